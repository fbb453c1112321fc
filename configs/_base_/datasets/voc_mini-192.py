# The small real part of VOC2012 in batches of 8 images of 192 pixels.
_base_ = './voc_mini.py'

img_size = 192
batch_size = 8

train_pipeline = [
    dict(t, size=img_size) if 'size' in t else t for t in _base_.train_pipeline
]
test_pipeline = [
    dict(t, size=img_size) if 'size' in t else t for t in _base_.test_pipeline
]
loader = dict(_base_.loader, batch_size=batch_size)
train_dataloader = dict(
    det=dict(batch_size=batch_size, dataset=dict(pipeline=train_pipeline)),
    seg=dict(batch_size=batch_size, dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(val=dict(dataset=dict(pipeline=test_pipeline)))
test_dataloader = val_dataloader
