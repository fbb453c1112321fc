# From the network of the other task: everything goes on learning.
_base_ = './rn18_fpn_seg.py'

# a checkpoint, or a folder that holds some
load_from = 'work_dirs/rn18_fpn_det'
model = dict(backbone=dict(init_cfg=None))
