# ResNet-18 of 16 channels and a thin FPN from stride 4 on, for scenes of 128
# pixels: about a million parameters, trained from scratch.
_base_ = './rn18_fpn.py'

channels = 64
num_det_classes = 10
num_seg_classes = 11

model = dict(
    channels_last=True,
    backbone=dict(base_channels=16, out_indices=(1, 2), init_cfg=None),
    neck=dict(in_channels=[32, 64], out_channels=channels, num_levels=4),
    heads=dict(
        det=dict(
            num_classes=num_det_classes,
            in_channels=channels,
            in_index=[1, 2],
            anchors=dict(strides=[8, 16])),
        seg=dict(
            num_classes=num_seg_classes,
            in_channels=channels,
            channels=32,
            num_levels=4,
            in_stride=4,
            upsample_mode='bilinear',
            num_refine_convs=0)))
