_base_ = [
    './rn18_fpn_det_supervised_vedai.py', '../_base_/distillers/pdf_vedai.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=_base_.teachers,
    distiller=_base_.distiller)
custom_hooks = _base_.kd_hooks
