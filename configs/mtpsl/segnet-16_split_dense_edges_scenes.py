# Labels alone (SL): classes, depth, normals and edges of drawn rooms, one
# label on each (matrices/scenes-mtpsl4.yaml).
_base_ = [
    '../_base_/models/segnet-16.py',
    '../_base_/datasets/scenes_dense-edges.py',
    '../_base_/schedules/adam_200e.py', '../_base_/default_runtime.py'
]

max_epochs = 8
lr = 1e-3

model = dict(
    task_weights=dict(seg=1.0, depth=1.0, normals=1.0, edges=10.0),
    heads=dict(edges=dict(type='mmmultas.SegNetHead', in_channels=16)))
train_cfg = dict(
    max_epochs=max_epochs, epoch_length=250, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr))
param_scheduler = [
    dict(
        type='mmmultas.WarmupCosineLR',
        by_epoch=False,
        warmup=50,
        eta_min_ratio=0.02)
]
val_cfg = dict(
    selection={
        '_delete_': True,
        'seg/mIoU': 1.0,
        'depth/abs_err': -100.0,
        'normals/mean': -1.0,
        'edges/odsF': 1.0
    })
default_hooks = dict(
    logger=dict(interval=50),
    checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=8)
