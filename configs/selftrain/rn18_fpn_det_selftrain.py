# A student of soft labels alone: nobody reads a box of its images. It sees
# all of trainval, of which the teacher saw the first half with its boxes.
_base_ = [
    './rn18_fpn_det_supervised.py', '../_base_/distillers/soft_det.py'
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
    images=dict(
        **dict(_base_.loader, batch_size=_base_.batch_size),
        double_aug=True,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=_base_.full,
            tasks=(),
            pipeline=_base_.train_pipeline)))
