# Half of the small set's boxes.
_base_ = '../multas/efflite0-64_fpn_det_voc-mini.py'

half = dict(
    type='fraction', source=dict(_base_.rule, part='det'), fraction=0.5)
train_dataloader = dict(
    det=dict(dataset=dict(subsets=[dict(root='VOC2012', ids=half)])))
