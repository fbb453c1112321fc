# The teacher of that half: twice as wide, half as long again.
_base_ = './efflite0-64_fpn_det_supervised_voc-mini.py'

channels = 128
max_epochs = 12
model = dict(
    neck=dict(out_channels=channels),
    heads=dict(det=dict(in_channels=channels)))
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs))
