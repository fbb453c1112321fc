_base_ = [
    '../_base_/models/rn50_fpn.py', '../_base_/datasets/voc_det.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(heads=dict(seg=None), task_weights=dict(_delete_=True, det=1.0))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=32)
