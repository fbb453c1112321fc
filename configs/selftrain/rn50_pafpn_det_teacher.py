# The teacher of [P2]: mutual guidance, batches of 5.
_base_ = './rn18_fpn_det_supervised.py'

model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(checkpoint='torchvision://resnet50')),
    neck=dict(type='mmmultas.ContextPAFPN', in_channels=[1024, 2048]),
    heads=dict(
        det=dict(
            assigner=dict(_delete_=True, type='mmmultas.MutualGuideMatcher'))))
train_dataloader = dict(det=dict(batch_size=5))
auto_scale_lr = dict(base_batch_size=5)
