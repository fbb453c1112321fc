# The detector reads the decoder and does not change it.
_base_ = './efflite0_trident_mtl_voc-mini.py'

model = dict(heads=dict(det=dict(feature_grad=0.0)))
