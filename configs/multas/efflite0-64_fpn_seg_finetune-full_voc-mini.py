_base_ = './efflite0-64_fpn_seg_voc-mini.py'

load_from = 'work_dirs/efflite0-64_fpn_det_voc-mini'
model = dict(backbone=dict(init_cfg=None))
