_base_ = './rn18_fpn_mtl.py'

model = dict(heads=dict(det=None), task_weights=dict(_delete_=True, seg=1.0))
train_dataloader = dict(det=None)
val_evaluator = dict(det=None)
test_evaluator = dict(det=None)
val_cfg = dict(selection={'det/mAP': 0})
auto_scale_lr = dict(base_batch_size=32)
