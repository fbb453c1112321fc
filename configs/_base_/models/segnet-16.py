# SegNet of a quarter of the channels: 1.6 million parameters.
_base_ = './segnet.py'

widths = (16, 32, 64, 128, 128)

model = dict(
    backbone=dict(widths=widths),
    neck=dict(widths=widths),
    heads=dict(
        seg=dict(num_classes=5, in_channels=16),
        depth=dict(in_channels=16),
        normals=dict(in_channels=16)))
