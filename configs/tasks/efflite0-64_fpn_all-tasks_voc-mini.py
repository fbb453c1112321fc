# Four tasks of the small real part of VOC2012, one label per image; minutes
# on one core (matrices/voc-mini-tasks.yaml). The figures are not VOC results.
_base_ = [
    '../_base_/models/efflite0-64_fpn.py',
    '../_base_/datasets/voc_mini_maps.py', '../_base_/schedules/sgd_30e.py',
    '../_base_/default_runtime.py'
]

max_epochs = 8
dense = dict(
    type='mmmultas.DenseHead',
    in_channels=64,
    channels=64,
    num_levels=4,
    num_refine_convs=0)
# weights of edges and saliency: those of SPEC-MTPSL 3 for PASCAL-Context
model = dict(
    fuse_batches=True,
    task_weights=dict(det=1.0, seg=1.0, edges=50.0, saliency=5.0),
    heads=dict(edges=dense, saliency=dense))
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
        'seg/mIoU_subset': 1.0,
        'edges/odsF': 1.0,
        'saliency/maxF': 1.0
    })
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=16)
