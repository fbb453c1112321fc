# Boxes teach masks, and masks teach boxes (docs/weak_losses.md).
_base_ = './efflite0-64_fpn_mtl_b4m_voc-mini.py'

model = dict(companions=dict(m4b=dict(type='mmmultas.MaskForBox')))
