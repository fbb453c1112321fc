_base_ = [
    '../_base_/models/rn50_pafpn.py', '../_base_/datasets/voc_full.py',
    '../_base_/schedules/sgd_30e.py', '../_base_/default_runtime.py'
]

auto_scale_lr = dict(base_batch_size=32)
