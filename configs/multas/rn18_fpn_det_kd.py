_base_ = [
    './rn18_fpn_det.py',
    '../_base_/distillers/mse_alone.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(det=_base_.teachers.det),
    distiller=_base_.alone.det)
