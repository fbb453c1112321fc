_base_ = ['./rn18_fpn_mtl.py', '../_base_/distillers/defeat.py']

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=_base_.teachers,
    distiller=_base_.distiller)
