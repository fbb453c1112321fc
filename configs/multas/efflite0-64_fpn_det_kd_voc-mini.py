_base_ = [
    './efflite0-64_fpn_det_voc-mini.py',
    '../_base_/distillers/mse_efflite0.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(det=_base_.teachers.det),
    distiller=_base_.alone.det)
