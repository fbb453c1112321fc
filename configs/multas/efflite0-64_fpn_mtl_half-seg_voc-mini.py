_base_ = './efflite0-64_fpn_mtl_voc-mini.py'

train_dataloader = dict(seg=dict(dataset=dict(fraction=0.5)))
