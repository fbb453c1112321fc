# The moving average as teacher, and both weak losses.
_base_ = './efflite0-64_fpn_mtl_fixmatch_voc-mini.py'

model = dict(
    companions=dict(
        b4m=dict(type='mmmultas.BoxForMask'),
        m4b=dict(type='mmmultas.MaskForBox')))
