_base_ = './rn18_fpn_mtl.py'

train_cfg = dict(alternate='epoch')
auto_scale_lr = dict(base_batch_size=32)
