_base_ = './efflite0-64_fpn_det_voc-mini.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
