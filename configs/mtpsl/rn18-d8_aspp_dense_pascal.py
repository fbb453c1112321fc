# Labels alone (SL), PASCAL-Context, one of five labels per image.
_base_ = [
    '../_base_/models/rn18-d8_aspp.py',
    '../_base_/datasets/pascal_context_mtpsl.py',
    '../_base_/schedules/adam-poly_100e.py', '../_base_/default_runtime.py'
]
