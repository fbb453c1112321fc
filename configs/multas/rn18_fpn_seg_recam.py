# ReCAM's masks beside the real ones (docs/weak_losses.md makes them first).
_base_ = [
    '../_base_/models/rn18_fpn.py', '../_base_/datasets/voc_seg-recam.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(heads=dict(det=None), task_weights=dict(_delete_=True, seg=1.0))
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU': 1.0})
auto_scale_lr = dict(base_batch_size=32)
