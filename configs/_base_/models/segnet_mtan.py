# SegNet with attention per task (MTAN): 44,229,073 parameters.
_base_ = './segnet.py'

model = dict(
    neck=dict(type='mmmultas.MTANDecoder', num_tasks=3),
    heads=dict(
        seg=dict(inputs='neck.0'),
        depth=dict(inputs='neck.1'),
        normals=dict(inputs='neck.2')))
