# The student of the self-training paper: one-hot quality focal loss, two
# views of each image; a fifth level, since 512 pixels have room for it.
_base_ = [
    '../_base_/models/rn18_fpn.py', '../_base_/datasets/vedai.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(
    neck=dict(num_levels=5),
    heads=dict(
        det=dict(
            num_classes=8,
            anchors=dict(strides=[8, 16, 32, 64, 128]),
            loss_cls=dict(_delete_=True, type='mmmultas.QualityFocalLoss')),
        seg=None),
    task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(det=dict(double_aug=True))
train_cfg = dict(max_epochs=70)
optim_wrapper = dict(optimizer=dict(lr=0.01))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=10)
