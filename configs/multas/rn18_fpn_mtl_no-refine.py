# [P1] names no convolution after the last upsampling: far cheaper.
_base_ = './rn18_fpn_mtl.py'

model = dict(heads=dict(seg=dict(num_refine_convs=0)))
