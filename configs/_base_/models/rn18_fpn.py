# RN18+FPN of the papers, both heads (SPEC 2): 28,608,384 parameters.
num_det_classes = 20
num_seg_classes = 21

model = dict(
    type='mmmultas.MultiTaskDetSeg',
    task_weights=dict(det=1.0, seg=1.0),
    fuse_batches=False,
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmmultas.NoPoolResNet',
        depth=18,
        init_cfg=dict(
            type='mmmultas.Pretrained', checkpoint='torchvision://resnet18')),
    neck=dict(
        type='mmmultas.ContextFPN',
        in_channels=[256, 512],
        out_channels=256,
        num_levels=4),
    heads=dict(
        det=dict(
            type='mmmultas.MultiLevelAnchorHead',
            num_classes=num_det_classes,
            in_channels=256,
            anchors=dict(
                type='mmmultas.AnchorGrid',
                strides=[8, 16, 32, 64],
                base_size=24),
            assigner=dict(
                type='mmmultas.IoUMatcher',
                pos_iou=0.5,
                neg_iou=0.4,
                ignore='matched_class'),
            loss_cls=dict(type='mmmultas.FocalLoss', alpha=0.25, gamma=1.0),
            loss_bbox=dict(type='mmmultas.BalancedL1Loss', beta=0.11),
            test_cfg=dict(
                score_thr=0.05,
                nms_pre=1000,
                iou_threshold=0.5,
                max_per_img=200,
                class_agnostic=False)),
        seg=dict(
            type='mmmultas.PanopticFPNSegHead',
            num_classes=num_seg_classes,
            in_channels=256,
            channels=128,
            num_levels=4,
            num_refine_convs=3,
            loss_decode=dict(type='mmmultas.CrossEntropyLoss'))))
