_base_ = './rn18_fpn_seg.py'

train_dataloader = dict(seg=dict(dataset=dict(fraction=0.5)))
