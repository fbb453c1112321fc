# ReCAM: a second classifier of what the maps of the first one select.
_base_ = './rn50_cam_voc-partial.py'

max_epochs = 4

model = dict(heads=dict(seg=dict(loss_recam_weight=1.0)))
load_from = 'work_dirs/rn50_cam_voc-partial'
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(
    optimizer=dict(lr=5e-5),
    paramwise_cfg=dict(
        custom_keys={
            '_delete_': True,
            'heads.seg.recam': dict(lr_mult=10.0)
        }))
param_scheduler = dict(end=max_epochs)
