_base_ = [
    '../_base_/models/rn18_fpn.py', '../_base_/datasets/voc_citys.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(
    heads=dict(det=None, seg=dict(num_classes=7)),
    task_weights=dict(_delete_=True, seg=1.0))
train_dataloader = dict(det=None)
val_dataloader = dict(_delete_=True, seg=_base_.val_dataloader.seg)
test_dataloader = val_dataloader
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU': 1.0})
auto_scale_lr = dict(base_batch_size=32)
