_base_ = './efflite0-64_fpn_det_finetune-full_voc-mini.py'

model = dict(frozen=('backbone', 'neck'))
