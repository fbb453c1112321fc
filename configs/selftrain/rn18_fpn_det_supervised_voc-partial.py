# The same on half of these boxes.
_base_ = './rn18_fpn_det_all-boxes_voc-partial.py'

train_dataloader = dict(det=dict(dataset=dict(fraction=0.5)))
