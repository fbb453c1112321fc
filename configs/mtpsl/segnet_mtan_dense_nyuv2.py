# MTAN: attention per task on SegNet, NYUv2, all labels.
_base_ = [
    '../_base_/models/segnet_mtan.py', '../_base_/datasets/nyuv2_mtpsl.py',
    '../_base_/schedules/adam_200e.py', '../_base_/default_runtime.py'
]

model = dict(loss_mean='labels')
train_dataloader = dict(
    train=dict(dataset=dict(regime=dict(_delete_=True, regime='full'))))
