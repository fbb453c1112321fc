# A student of soft labels alone on the whole fold, of which the teacher saw a
# half with its boxes.
_base_ = [
    './rn18_fpn_det_supervised_vedai.py',
    '../_base_/distillers/soft_det_vedai.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=_base_.teachers,
    distiller=_base_.distiller)
custom_hooks = _base_.kd_hooks
train_dataloader = dict(
    det=None,
    images=dict(**_base_.loader, double_aug=True, dataset=_base_.unlabelled))
