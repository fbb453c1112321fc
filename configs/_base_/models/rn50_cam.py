# The classifier of CAM and ReCAM (SPEC-WEAK 4): ResNet-50 with stride 16,
# its first convolution and all batch norms as they were.
num_seg_classes = 21

model = dict(
    type='mmmultas.CAMClassifier',
    task_weights=dict(seg=1.0),
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=50,
        strides=(1, 2, 2, 1),
        out_indices=(3, ),
        frozen_stages=0,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(
            type='mmmultas.Pretrained', checkpoint='torchvision://resnet50')),
    heads=dict(
        seg=dict(
            type='mmmultas.CAMHead',
            num_classes=num_seg_classes,
            in_channels=2048)))
