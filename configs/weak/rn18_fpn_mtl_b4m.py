# Boxes teach masks (docs/weak_losses.md).
_base_ = '../multas/rn18_fpn_mtl.py'

model = dict(companions=dict(b4m=dict(type='mmmultas.BoxForMask')))
