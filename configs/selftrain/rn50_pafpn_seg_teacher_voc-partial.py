# [P2] Table 5: a teacher of the masks of the partial data, trained as its
# detection teachers are.
_base_ = [
    '../_base_/models/rn50_pafpn.py', '../_base_/datasets/voc_seg.py',
    '../_base_/schedules/sgd_70e.py', '../_base_/default_runtime.py'
]

model = dict(heads=dict(det=None), task_weights=dict(_delete_=True, seg=1.0))
train_dataloader = dict(seg=dict(batch_size=5, double_aug=True))
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU': 1.0})
auto_scale_lr = dict(base_batch_size=5)
