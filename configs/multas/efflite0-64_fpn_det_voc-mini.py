_base_ = './efflite0-64_fpn_mtl_voc-mini.py'

model = dict(heads=dict(seg=None), task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(seg=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', ))))
test_dataloader = val_dataloader
val_evaluator = dict(seg=None)
test_evaluator = val_evaluator
val_cfg = dict(
    selection={
        '_delete_': True,
        'det/AP50_min20': 1.0
    })
auto_scale_lr = dict(base_batch_size=8)
