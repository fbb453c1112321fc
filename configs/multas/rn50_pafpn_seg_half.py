_base_ = './rn50_pafpn_seg.py'

train_dataloader = dict(seg=dict(dataset=dict(fraction=0.5)))
