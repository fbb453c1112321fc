# [P2]'s teacher: detection alone, mutual guidance, soft quality focal loss.
_base_ = './rn18_fpn_det-qfl.py'

model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(checkpoint='torchvision://resnet50')),
    neck=dict(type='mmmultas.ContextPAFPN', in_channels=[1024, 2048]),
    heads=dict(
        det=dict(
            assigner=dict(_delete_=True, type='mmmultas.MutualGuideMatcher'))))
