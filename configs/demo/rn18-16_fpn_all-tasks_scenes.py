# `make demo-tasks`: five tasks in one network, one label per image.
# DEMO_UPDATES shortens it.
_base_ = [
    '../_base_/models/rn18-16_fpn.py', '../_base_/datasets/scenes.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

updates = int('{{$DEMO_UPDATES:1200}}')
max_epochs = 4

train_cfg = dict(
    max_epochs=max_epochs,
    epoch_length=max(1, updates // max_epochs),
    val_interval=max_epochs)
dense = dict(
    type='mmmultas.DenseHead',
    in_channels=64,
    channels=32,
    num_levels=4,
    in_stride=4,
    upsample_mode='bilinear',
    num_refine_convs=0)
model = dict(
    fuse_batches=True,
    task_weights=dict(det=1.0, seg=1.0, depth=1.0, normals=2.0, edges=50.0),
    heads=dict(
        det=dict(num_classes=3),
        seg=dict(num_classes=5),
        depth=dense,
        normals=dense,
        edges=dense))
val_cfg = dict(
    selection={
        'depth/abs_err': -100.0,
        'normals/mean': -1.0,
        'edges/odsF': 1.0
    })
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=3e-3, weight_decay=0.05))
param_scheduler = dict(warmup=100)
default_hooks = dict(
    logger=dict(interval=20), checkpoint=dict(interval=1, max_keep=1))
auto_scale_lr = dict(base_batch_size=20)
