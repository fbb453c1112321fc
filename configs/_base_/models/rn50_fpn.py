# RN50+FPN of the papers' out-of-domain table, both heads.
_base_ = './rn18_fpn.py'

model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(checkpoint='torchvision://resnet50')),
    neck=dict(in_channels=[1024, 2048]))
