# Boxes of a COCO file and masks of drawn rooms, on different images: own data
# for weak losses (matrices/scenes-weak.yaml).
_base_ = './rn18-16_fpn_all-tasks_scenes.py'

model = dict(
    heads=dict(depth=None, normals=None, edges=None),
    task_weights=dict(_delete_=True, det=1.0, seg=1.0))
train_dataloader = dict(depth=None, normals=None, edges=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', 'seg'))))
test_dataloader = val_dataloader
val_evaluator = dict(depth=None, normals=None, edges=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0, 'seg/mIoU': 1.0})
auto_scale_lr = dict(base_batch_size=8)
