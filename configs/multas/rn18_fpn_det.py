_base_ = './rn18_fpn_mtl.py'

model = dict(heads=dict(seg=None), task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(seg=None)
val_evaluator = dict(seg=None)
test_evaluator = dict(seg=None)
val_cfg = dict(selection={'seg/mIoU': 0})
auto_scale_lr = dict(base_batch_size=32)
