_base_ = './efflite0-64_fpn_mtl_voc-mini.py'

train_cfg = dict(alternate='epoch')
auto_scale_lr = dict(base_batch_size=8)
