# Full supervision: one stream, every image with boxes and a mask.
_base_ = './voc_partial.py'

train_dataloader = dict(
    _delete_=True,
    both=dict(
        **_base_.loader,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=[
                dict(
                    root='VOC2007',
                    ids=f'{_base_.splits}/VOC2007/MXEfull/train.txt'),
                dict(
                    root='VOC2012',
                    ids=f'{_base_.splits}/VOC2012/MXEfull/train.txt',
                    masks='SegmentationClassAug')
            ],
            tasks=('det', 'seg'),
            pipeline=_base_.train_pipeline)))
