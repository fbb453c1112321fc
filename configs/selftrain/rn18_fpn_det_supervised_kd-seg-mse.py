# [P2] Table 5: a segmentation teacher for a detection student.
_base_ = [
    './rn18_fpn_det_supervised.py', '../_base_/distillers/mse_alone.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(seg=dict(_base_.teachers.seg, sees='other')),
    distiller=_base_.alone.seg)
