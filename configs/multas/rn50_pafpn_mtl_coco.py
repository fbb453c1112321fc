_base_ = [
    '../_base_/models/rn50_pafpn.py', '../_base_/datasets/coco_halves.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

model = dict(
    heads=dict(det=dict(num_classes=80), seg=dict(num_classes=81)))
