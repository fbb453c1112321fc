_base_ = './efflite0_fpn_det_voc-mini.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
