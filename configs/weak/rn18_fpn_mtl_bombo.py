# Boxes teach masks, and masks teach boxes (docs/weak_losses.md).
_base_ = './rn18_fpn_mtl_b4m.py'

model = dict(companions=dict(m4b=dict(type='mmmultas.MaskForBox')))
