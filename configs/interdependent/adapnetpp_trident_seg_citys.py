# AdapNet++ alone.
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

model = dict(heads=dict(det=None), task_weights=dict(_delete_=True, seg=1.0))
train_dataloader = dict(train=dict(dataset=dict(tasks=('seg', ))))
val_dataloader = dict(val=dict(dataset=dict(tasks=('seg', ))))
test_dataloader = val_dataloader
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU': 1.0})
