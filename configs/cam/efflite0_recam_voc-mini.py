# ReCAM on the small real part of VOC2012; its figures are not VOC results.
_base_ = './efflite0_cam_voc-mini.py'

max_epochs = 4

model = dict(heads=dict(seg=dict(loss_recam_weight=1.0)))
load_from = 'work_dirs/efflite0_cam_voc-mini'
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(
    optimizer=dict(lr=2e-5),
    paramwise_cfg=dict(
        custom_keys={
            '_delete_': True,
            'heads.seg.recam': dict(lr_mult=100.0)
        }))
param_scheduler = dict(end=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs))
