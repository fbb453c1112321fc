# The student of 64 channels and a teacher of 128 (matrices/voc-mini-kd.yaml).
_base_ = './pdf.py'

projection = dict(in_channels=64, out_channels=128)
teachers = dict(
    det=dict(
        cfg='configs/multas/efflite0-128_fpn_det_voc-mini.py',
        checkpoint='work_dirs/efflite0-128_fpn_det_voc-mini'))
distiller = dict(connectors=dict(det=projection))
