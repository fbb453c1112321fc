# `make demo`: detection and segmentation of digits from half of the labels of
# each. DEMO_UPDATES shortens it.
_base_ = [
    '../_base_/models/rn18-16_fpn.py', '../_base_/datasets/digits.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

updates = int('{{$DEMO_UPDATES:1200}}')
max_epochs = 4

train_cfg = dict(
    max_epochs=max_epochs,
    epoch_length=max(1, updates // max_epochs),
    val_interval=max_epochs)
# the digits are few pixels: background would drown them, and boxes the masks
model = dict(
    task_weights=dict(det=1.0, seg=2.0),
    heads=dict(
        seg=dict(loss_decode=dict(class_weight=[0.3] + [1.0] * 10))))
optim_wrapper = dict(optimizer=dict(lr=0.04))
param_scheduler = dict(warmup=100)
default_hooks = dict(
    logger=dict(interval=20), checkpoint=dict(interval=1, max_keep=1))
auto_scale_lr = dict(base_batch_size=16)
