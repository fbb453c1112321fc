# CAM on the small real part of VOC2012; its figures are not VOC results.
_base_ = [
    '../_base_/models/efflite0_cam.py', '../_base_/datasets/voc_mini.py',
    '../_base_/schedules/cam_5e.py', '../_base_/default_runtime.py'
]

max_epochs = 8
# updates per epoch: 500 images with boxes in batches of 16
epoch_length = 31

train_cfg = dict(
    max_epochs=max_epochs, epoch_length=epoch_length, val_interval=max_epochs)
# so few updates: AdamW is ahead of SGD (benchmarks/README.md)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys={'heads.seg': dict(lr_mult=20.0)}))
param_scheduler = dict(end=max_epochs)
train_dataloader = dict(seg=None)
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU_subset': 1.0})
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=16)
