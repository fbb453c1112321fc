# Soft labels on all of trainval, hard ones on the teacher's own half.
_base_ = './rn18_fpn_det_selftrain.py'

train_dataloader = dict(
    det=dict(
        _delete_=True,
        **dict(_base_.loader, batch_size=_base_.batch_size),
        double_aug=True,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=_base_.part,
            tasks=('det', ),
            pipeline=_base_.train_pipeline)))
auto_scale_lr = dict(base_batch_size=20)
