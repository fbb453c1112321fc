_base_ = './efflite0-64_fpn_mtl_voc-mini.py'

train_dataloader = dict(
    _delete_=True,
    both=dict(
        **_base_.loader,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=[
                dict(
                    root='VOC2012',
                    ids=_base_.rule.source,
                    masks='SegmentationClassAug')
            ],
            tasks=('det', 'seg'),
            pipeline=_base_.train_pipeline)))
auto_scale_lr = dict(base_batch_size=8)
