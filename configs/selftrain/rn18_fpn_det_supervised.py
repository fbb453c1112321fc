# The student of [P2] on labels alone: one-hot quality focal loss, two views of
# each image.
_base_ = [
    '../_base_/models/rn18_fpn.py', '../_base_/datasets/voc_selftrain.py',
    '../_base_/schedules/sgd_70e.py', '../_base_/default_runtime.py'
]

model = dict(
    heads=dict(
        det=dict(
            loss_cls=dict(_delete_=True, type='mmmultas.QualityFocalLoss')),
        seg=None),
    task_weights=dict(_delete_=True, det=1.0))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=10)
