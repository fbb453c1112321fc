# The student of [P2] on labels alone: one-hot quality focal loss, two views of
# each image.
_base_ = [
    '../_base_/models/rn18_fpn_det-qfl.py',
    '../_base_/datasets/voc_selftrain.py', '../_base_/schedules/sgd_70e.py',
    '../_base_/default_runtime.py'
]

val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=10)
