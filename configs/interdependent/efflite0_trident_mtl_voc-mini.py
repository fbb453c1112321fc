# Minutes on one core (matrices/voc-mini-interdependent.yaml). The figures are
# not VOC results.
_base_ = [
    '../_base_/models/efflite0_trident.py',
    '../_base_/datasets/voc_mini-192.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

max_epochs = 8
train_cfg = dict(
    max_epochs=max_epochs, epoch_length=62, val_interval=max_epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.2))))
param_scheduler = dict(warmup=60)
val_cfg = dict(
    selection={
        '_delete_': True,
        'det/AP50_min20': 1.0,
        'seg/mIoU_subset': 1.0
    })
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=16)
