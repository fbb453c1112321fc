_base_ = [
    './rn18_fpn_seg.py',
    '../_base_/distillers/mse_alone.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(seg=_base_.teachers.seg),
    distiller=_base_.alone.seg)
