_base_ = './rn18-16_fpn_all-tasks_scenes.py'

model = dict(
    heads=dict(det=None, seg=None, depth=None, normals=None),
    task_weights=dict(_delete_=True, edges=50.0))
train_dataloader = dict(det=None, seg=None, depth=None, normals=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('edges', ))))
test_dataloader = val_dataloader
val_evaluator = dict(det=None, seg=None, depth=None, normals=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'edges/odsF': 1.0})
auto_scale_lr = dict(base_batch_size=4)
