# The moving average as teacher, and both weak losses.
_base_ = './rn18_fpn_mtl_fixmatch.py'

model = dict(
    companions=dict(
        b4m=dict(type='mmmultas.BoxForMask'),
        m4b=dict(type='mmmultas.MaskForBox')))
