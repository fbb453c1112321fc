_base_ = './efflite0-64_fpn_mtl_kd-2mse_voc-mini.py'

model = dict(
    teachers=dict(det=dict(sees='annotated'), seg=dict(sees='annotated')))
