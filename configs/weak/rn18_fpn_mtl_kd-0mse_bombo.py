# Weak losses, and features of the other task's teacher.
_base_ = '../multas/rn18_fpn_mtl_kd-0mse.py'

model = dict(
    architecture=dict(
        companions=dict(
            b4m=dict(type='mmmultas.BoxForMask'),
            m4b=dict(type='mmmultas.MaskForBox'))))
