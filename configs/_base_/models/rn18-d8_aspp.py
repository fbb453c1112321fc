# ResNet-18 at stride 8 with a DeepLabv3 head for each of five tasks
# (SPEC-MTPSL 2): 34,795,873 parameters.
model = dict(
    type='mmmultas.MultiTaskDetSeg',
    task_weights=dict(
        seg=1.0, parts=2.0, saliency=5.0, edges=50.0, normals=10.0),
    loss_mean='batch',
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmmultas.DilatedResNet',
        depth=18,
        init_cfg=dict(
            type='mmmultas.Pretrained', checkpoint='torchvision://resnet18')),
    neck=None,
    heads=dict(
        seg=dict(type='mmmultas.AtrousHead', num_classes=21),
        parts=dict(
            type='mmmultas.AtrousHead', kind='classes', num_classes=7),
        saliency=dict(type='mmmultas.AtrousHead', yes_weight='batch'),
        edges=dict(type='mmmultas.AtrousHead'),
        normals=dict(type='mmmultas.AtrousHead', distance='l1')))
