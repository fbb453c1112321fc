_base_ = [
    './efflite0-64_fpn_mtl_voc-mini.py',
    '../_base_/distillers/defeat_efflite0.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=_base_.teachers,
    distiller=_base_.distiller)
