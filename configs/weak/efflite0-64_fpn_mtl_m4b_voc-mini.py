# Masks teach boxes (docs/weak_losses.md).
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

model = dict(companions=dict(m4b=dict(type='mmmultas.MaskForBox')))
