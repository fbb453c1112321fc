# Labels alone (SL): classes, depth, normals and edges of drawn rooms, one
# label on each of 240 (matrices/scenes-mtpsl4.yaml).
_base_ = [
    '../_base_/models/segnet-16.py',
    '../_base_/datasets/scenes_dense-edges.py',
    '../_base_/schedules/adam-cosine.py', '../_base_/default_runtime.py'
]

model = dict(
    task_weights=dict(seg=1.0, depth=1.0, normals=1.0, edges=10.0),
    heads=dict(
        seg=dict(
            loss_decode=dict(
                type='mmmultas.CrossEntropyLoss',
                class_weight=_base_.class_weight)),
        edges=dict(type='mmmultas.SegNetHead', in_channels=16)))
val_cfg = dict(selection={'edges/odsF': 1.0})
default_hooks = dict(checkpoint=dict(interval=_base_.max_epochs, max_keep=1))
