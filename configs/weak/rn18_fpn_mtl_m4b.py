# Masks teach boxes (docs/weak_losses.md).
_base_ = '../multas/rn18_fpn_mtl.py'

model = dict(companions=dict(m4b=dict(type='mmmultas.MaskForBox')))
