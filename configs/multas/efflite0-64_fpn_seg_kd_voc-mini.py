_base_ = [
    './efflite0-64_fpn_seg_voc-mini.py',
    '../_base_/distillers/mse_efflite0.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(seg=_base_.teachers.seg),
    distiller=_base_.alone.seg)
