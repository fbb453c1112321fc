# RN50+PAFPN of the papers, both heads (SPEC 2): 46,057,088 parameters.
_base_ = './rn18_fpn.py'

model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(checkpoint='torchvision://resnet50')),
    neck=dict(type='mmmultas.ContextPAFPN', in_channels=[1024, 2048]))
