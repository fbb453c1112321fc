# Labels alone (SL): layout, depth, normals and edges of one room, one label
# on each frame (matrices/kitchen-mtpsl.yaml). A smoke test, no claim.
_base_ = [
    '../_base_/models/segnet-16.py',
    '../_base_/datasets/kitchen_dense.py',
    '../_base_/schedules/adam-cosine.py', '../_base_/default_runtime.py'
]

max_epochs = 8

model = dict(
    task_weights=dict(seg=1.0, depth=1.0, normals=1.0, edges=10.0),
    heads=dict(edges=dict(type='mmmultas.SegNetHead', in_channels=16)))
train_cfg = dict(
    max_epochs=max_epochs, epoch_length=100, val_interval=max_epochs)
val_cfg = dict(selection={'edges/odsF': 1.0})
default_hooks = dict(checkpoint=dict(interval=max_epochs, max_keep=1))
auto_scale_lr = dict(base_batch_size=4)
