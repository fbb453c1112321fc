# The student of the self-training paper on the whole fold; a fifth level,
# since 512 pixels have room for it.
_base_ = [
    '../_base_/models/rn18_fpn_det-qfl.py', '../_base_/datasets/vedai.py',
    '../_base_/schedules/sgd_70e.py', '../_base_/default_runtime.py'
]

model = dict(
    neck=dict(num_levels=5),
    heads=dict(
        det=dict(
            num_classes=8, anchors=dict(strides=[8, 16, 32, 64, 128]))))
train_dataloader = dict(det=dict(double_aug=True))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=10)
