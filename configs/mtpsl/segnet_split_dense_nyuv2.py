# Labels alone (SL), NYUv2, one label per image.
_base_ = [
    '../_base_/models/segnet.py', '../_base_/datasets/nyuv2_mtpsl.py',
    '../_base_/schedules/adam_200e.py', '../_base_/default_runtime.py'
]
