# Boxes teach masks (docs/weak_losses.md).
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

model = dict(companions=dict(b4m=dict(type='mmmultas.BoxForMask')))
