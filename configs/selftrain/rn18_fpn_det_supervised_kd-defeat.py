_base_ = [
    './rn18_fpn_det_supervised.py', '../_base_/distillers/defeat.py'
]

teacher = dict(
    cfg='configs/selftrain/rn50_pafpn_det_teacher.py',
    checkpoint='work_dirs/rn50_pafpn_det_teacher')
model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(det=teacher),
    distiller=_base_.distiller)
custom_hooks = _base_.kd_hooks
