# The detector reads the encoder's maps.
_base_ = './efflite0_trident_mtl_voc-mini.py'

model = dict(
    neck=dict(side_channels=76),
    heads=dict(det=dict(inputs=('neck.3', 'neck.4', 'neck.2'))))
