_base_ = './rn18-16_fpn_all-tasks_scenes.py'

model = dict(
    heads=dict(seg=None, depth=None, normals=None, edges=None),
    task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(seg=None, depth=None, normals=None, edges=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', ))))
test_dataloader = val_dataloader
val_evaluator = dict(seg=None, depth=None, normals=None, edges=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=4)
