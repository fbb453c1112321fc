_base_ = './rn50_pafpn_mtl.py'

train_cfg = dict(alternate='epoch')
