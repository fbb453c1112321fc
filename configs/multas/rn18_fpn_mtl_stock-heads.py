# mmdet's RetinaHead, shared over the levels, and mmseg's FPNHead.
_base_ = './rn18_fpn_mtl.py'

strides = [8, 16, 32, 64]
model = dict(
    heads=dict(
        det=dict(
            _delete_=True,
            type='RetinaHead',
            num_classes=20,
            in_channels=256,
            stacked_convs=2,
            anchor_generator=dict(
                type='AnchorGenerator',
                octave_base_scale=3,
                scales_per_octave=2,
                ratios=[1.0, 2.0, 0.5],
                strides=strides),
            bbox_coder=dict(
                type='DeltaXYWHBBoxCoder',
                target_means=[0.0] * 4,
                target_stds=[0.1, 0.1, 0.2, 0.2]),
            loss_cls=dict(
                type='FocalLoss', use_sigmoid=True, gamma=1.0, alpha=0.25),
            loss_bbox=dict(type='BalancedL1Loss', beta=0.11),
            train_cfg=dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=0.5,
                    neg_iou_thr=0.4,
                    min_pos_iou=0),
                sampler=dict(type='PseudoSampler'),
                allowed_border=-1,
                pos_weight=-1),
            test_cfg=dict(
                nms_pre=1000,
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=200)),
        seg=dict(
            _delete_=True,
            type='FPNHead',
            num_classes=21,
            in_channels=[256] * 4,
            in_index=[0, 1, 2, 3],
            feature_strides=strides,
            channels=128,
            dropout_ratio=0.1,
            norm_cfg=dict(type='BN'),
            loss_decode=dict(
                type='CrossEntropyLoss', avg_non_ignore=True))))
