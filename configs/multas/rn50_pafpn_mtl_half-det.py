_base_ = './rn50_pafpn_mtl.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
