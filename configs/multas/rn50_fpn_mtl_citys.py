_base_ = [
    '../_base_/models/rn50_fpn.py', '../_base_/datasets/voc_citys.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(heads=dict(seg=dict(num_classes=7)))
