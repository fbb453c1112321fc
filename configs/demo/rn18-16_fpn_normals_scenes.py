_base_ = './rn18-16_fpn_all-tasks_scenes.py'

model = dict(
    heads=dict(det=None, seg=None, depth=None, edges=None),
    task_weights=dict(_delete_=True, normals=2.0))
train_dataloader = dict(det=None, seg=None, depth=None, edges=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('normals', ))))
test_dataloader = val_dataloader
val_evaluator = dict(det=None, seg=None, depth=None, edges=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'normals/mean': -1.0})
auto_scale_lr = dict(base_batch_size=4)
