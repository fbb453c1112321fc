# Both tasks, but the detector reads the encoder's maps: what is the decoder
# worth to it?
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

model = dict(
    neck=dict(side_channels=280),
    heads=dict(det=dict(inputs=('neck.3', 'neck.4', 'neck.2'))))
