_base_ = './efflite0_trident_mtl_voc-mini.py'

model = dict(heads=dict(det=None), task_weights=dict(_delete_=True, seg=1.0))
train_dataloader = dict(det=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('seg', ))))
test_dataloader = val_dataloader
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU_subset': 1.0})
auto_scale_lr = dict(base_batch_size=8)
