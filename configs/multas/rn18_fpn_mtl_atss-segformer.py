# mmdet's ATSS and mmseg's SegFormer head over the papers' encoder.
_base_ = './rn18_fpn_mtl.py'

model = dict(
    heads=dict(
        det=dict(
            _delete_=True,
            type='ATSSHead',
            num_classes=20,
            in_channels=256,
            anchor_generator=dict(
                type='AnchorGenerator',
                ratios=[1.0],
                octave_base_scale=8,
                scales_per_octave=1,
                strides=[8, 16, 32, 64]),
            bbox_coder=dict(
                type='DeltaXYWHBBoxCoder',
                target_means=[0.0] * 4,
                target_stds=[0.1, 0.1, 0.2, 0.2]),
            loss_cls=dict(
                type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
            loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
            loss_centerness=dict(type='CrossEntropyLoss', use_sigmoid=True),
            train_cfg=dict(
                assigner=dict(type='ATSSAssigner', topk=9),
                allowed_border=-1,
                pos_weight=-1),
            test_cfg=dict(
                nms_pre=1000,
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=200)),
        seg=dict(
            _delete_=True,
            type='SegformerHead',
            num_classes=21,
            in_channels=[256] * 4,
            in_index=[0, 1, 2, 3],
            channels=256,
            norm_cfg=dict(type='BN'),
            loss_decode=dict(
                type='CrossEntropyLoss', avg_non_ignore=True))))
