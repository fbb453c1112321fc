_base_ = './rn18_fpn_mtl_kd-2mse.py'

model = dict(
    teachers=dict(det=dict(sees='other'), seg=dict(sees='other')))
