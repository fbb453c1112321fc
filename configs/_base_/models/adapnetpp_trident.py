# AdapNet++ and a trident detector that reads its decoder
# (SPEC-INTERDEPENDENT 1, 2): 37,870,020 values, batch norm's included.
num_det_classes = 3
num_seg_classes = 11

aux = dict(type='mmmultas.AdapNetPPAuxHead')
model = dict(
    type='mmmultas.MultiTaskDetSeg',
    # the paper's weights, for losses per image of the detector
    task_weights=dict(det=1.0, seg=40.0),
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmmultas.AdapNetPPEncoder',
        init_cfg=dict(
            type='mmmultas.Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(type='mmmultas.AdapNetPPDecoder', in_channels=[256, 512, 2048]),
    heads=dict(
        det=dict(
            type='mmmultas.TridentAnchorHead',
            inputs=('neck.0', 'neck.1', 'neck.2'),
            num_classes=num_det_classes,
            in_channels=[280, 280, 256],
            in_strides=[4, 8, 16],
            paths=[[256, 640, 384], [640, 384], []],
            normalizer='image',
            test_cfg=dict(
                score_thr=0.05, iou_threshold=0.55, max_per_img=200)),
        seg=dict(
            type='mmmultas.AdapNetPPSegHead',
            inputs=('neck.0', 'neck.1'),
            num_classes=num_seg_classes,
            auxiliary=[
                dict(
                    aux,
                    in_index=0,
                    loss_decode=dict(
                        type='mmmultas.CrossEntropyLoss', loss_weight=0.6)),
                dict(
                    aux,
                    in_index=1,
                    loss_decode=dict(
                        type='mmmultas.CrossEntropyLoss', loss_weight=0.5))
            ])))
