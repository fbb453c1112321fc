# Labels alone (SL): classes, depth and normals of drawn rooms, one label on
# each of 240; minutes on one core (matrices/scenes-mtpsl.yaml).
_base_ = [
    '../_base_/models/segnet-16.py', '../_base_/datasets/scenes_dense.py',
    '../_base_/schedules/adam-cosine.py', '../_base_/default_runtime.py'
]

model = dict(
    heads=dict(
        seg=dict(
            loss_decode=dict(
                type='mmmultas.CrossEntropyLoss',
                class_weight=_base_.class_weight))))
default_hooks = dict(checkpoint=dict(interval=_base_.max_epochs, max_keep=1))
