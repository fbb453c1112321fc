# SegNet with three heads (SPEC-MTPSL 2): 25,055,185 parameters, from scratch.
# Images lie in [0, 1], without mean and deviation.
model = dict(
    type='mmmultas.MultiTaskDetSeg',
    task_weights=dict(seg=1.0, depth=1.0, normals=1.0),
    # the sum over labelled images by all images of the batch, as in the
    # released code
    loss_mean='batch',
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[0, 0, 0],
        std=[255, 255, 255],
        bgr_to_rgb=True),
    backbone=dict(type='mmmultas.SegNetEncoder'),
    neck=dict(type='mmmultas.SegNetDecoder'),
    heads=dict(
        seg=dict(
            type='mmmultas.SegNetHead', num_classes=13, in_channels=64),
        depth=dict(type='mmmultas.SegNetHead', in_channels=64),
        normals=dict(type='mmmultas.SegNetHead', in_channels=64)))
