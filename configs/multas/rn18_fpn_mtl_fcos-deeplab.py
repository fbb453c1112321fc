# mmdet's FCOS and mmseg's DeepLabV3+ over the papers' encoder.
_base_ = './rn18_fpn_mtl.py'

model = dict(
    heads=dict(
        det=dict(
            _delete_=True,
            type='FCOSHead',
            num_classes=20,
            in_channels=256,
            strides=[8, 16, 32, 64],
            regress_ranges=((-1, 64), (64, 128), (128, 256), (256, 1e8)),
            test_cfg=dict(
                nms_pre=1000,
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=200)),
        seg=dict(
            _delete_=True,
            type='DepthwiseSeparableASPPHead',
            num_classes=21,
            in_channels=256,
            in_index=1,
            channels=256,
            dilations=(1, 6, 12, 18),
            c1_in_channels=256,
            c1_channels=48,
            norm_cfg=dict(type='BN'),
            loss_decode=dict(
                type='CrossEntropyLoss', avg_non_ignore=True))))
