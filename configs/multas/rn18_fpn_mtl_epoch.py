_base_ = './rn18_fpn_mtl.py'

train_cfg = dict(alternate='epoch')
