# The teacher of the self-training paper: mutual guidance, batches of 5.
_base_ = [
    '../_base_/models/rn50_pafpn_det-mutual.py', '../_base_/datasets/vedai.py',
    '../_base_/schedules/sgd_70e.py', '../_base_/default_runtime.py'
]

model = dict(
    neck=dict(num_levels=5),
    heads=dict(
        det=dict(
            num_classes=8, anchors=dict(strides=[8, 16, 32, 64, 128]))))
train_dataloader = dict(det=dict(batch_size=5, double_aug=True))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=5)
