# Layout, depth, normals and edges of one room, one label per image; minutes
# on one core (matrices/kitchen-tasks.yaml). A smoke test, no claim.
_base_ = [
    '../_base_/models/efflite0-64_fpn.py', '../_base_/datasets/kitchen.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

max_epochs = 8
dense = dict(
    type='mmmultas.DenseHead',
    in_channels=64,
    channels=64,
    num_levels=4,
    num_refine_convs=0)
model = dict(
    fuse_batches=True,
    task_weights=dict(
        _delete_=True, seg=1.0, depth=1.0, normals=10.0, edges=50.0),
    heads=dict(
        det=None,
        seg=dict(num_classes=5),
        depth=dense,
        normals=dense,
        edges=dense))
train_cfg = dict(
    max_epochs=max_epochs, epoch_length=25, val_interval=max_epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.2))))
param_scheduler = dict(warmup=20)
val_cfg = dict(
    selection={
        '_delete_': True,
        'seg/mIoU': 1.0,
        'depth/abs_err': -100.0,
        'normals/mean': -1.0,
        'edges/odsF': 1.0
    })
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=16)
