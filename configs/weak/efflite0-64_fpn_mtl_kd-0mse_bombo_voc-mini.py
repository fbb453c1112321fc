# Weak losses, and features of the other task's teacher.
_base_ = '../multas/efflite0-64_fpn_mtl_kd-0mse_voc-mini.py'

model = dict(
    architecture=dict(
        companions=dict(
            b4m=dict(type='mmmultas.BoxForMask'),
            m4b=dict(type='mmmultas.MaskForBox'))))
