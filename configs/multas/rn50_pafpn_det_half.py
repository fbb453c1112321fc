_base_ = './rn50_pafpn_det.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
