_base_ = './rn18_fpn_det.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
