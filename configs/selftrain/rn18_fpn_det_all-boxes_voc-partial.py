# [P2]'s student on all boxes of the partial data; evaluated on VOC2012.
_base_ = [
    '../_base_/models/rn18_fpn_det-qfl.py',
    '../_base_/datasets/voc_det-views.py', '../_base_/schedules/sgd_70e.py',
    '../_base_/default_runtime.py'
]

val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=10)
