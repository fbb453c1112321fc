# [P2] Table 6: the teacher of half of the boxes of the partial data.
_base_ = [
    '../_base_/models/rn50_pafpn_det-mutual.py',
    '../_base_/datasets/voc_det-views.py', '../_base_/schedules/sgd_70e.py',
    '../_base_/default_runtime.py'
]

train_dataloader = dict(det=dict(batch_size=5, dataset=dict(fraction=0.5)))
val_cfg = dict(selection={'_delete_': True, 'det/mAP': 1.0})
auto_scale_lr = dict(base_batch_size=5)
