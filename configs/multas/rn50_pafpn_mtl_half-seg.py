_base_ = './rn50_pafpn_mtl.py'

train_dataloader = dict(seg=dict(dataset=dict(fraction=0.5)))
