# The five levels of 512 pixels, and the teacher of half of a fold.
_base_ = './pdf.py'

projection = dict(num_levels=5)
teachers = dict(
    det=dict(
        cfg='configs/selftrain/rn50_pafpn_det_teacher_vedai.py',
        checkpoint='work_dirs/rn50_pafpn_det_teacher_vedai'))
distiller = dict(connectors=dict(det=projection))
