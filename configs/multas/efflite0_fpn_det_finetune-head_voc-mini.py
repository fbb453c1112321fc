_base_ = './efflite0_fpn_det_finetune-full_voc-mini.py'

model = dict(frozen=('backbone', 'neck'))
