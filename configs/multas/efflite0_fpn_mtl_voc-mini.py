# The model that two CPU cores can train, on a small real part of VOC2012
# (../_base_/datasets/voc_mini.py). Its figures are not VOC results.
_base_ = [
    '../_base_/models/efflite0_fpn.py', '../_base_/datasets/voc_mini.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

max_epochs = 24
# updates per epoch of every variant: 500 images with boxes in batches of 16
epoch_length = 31

train_cfg = dict(
    max_epochs=max_epochs, epoch_length=epoch_length, val_interval=8)
# 5e-3 x 30 epochs would be too slow for 744 updates
optim_wrapper = dict(optimizer=dict(lr=0.02))
param_scheduler = dict(warmup=60)
val_cfg = dict(
    selection={
        '_delete_': True,
        'det/AP50_min20': 1.0,
        'seg/mIoU_subset': 1.0
    })
default_hooks = dict(
    logger=dict(interval=10), checkpoint=dict(interval=8, max_keep=1))
auto_scale_lr = dict(base_batch_size=32)
