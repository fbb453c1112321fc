# Direct-Map: a SegNet per pair draws one task from another.
_base_ = './segnet_split_dense_cityscapes.py'

model = dict(
    companions=dict(
        xtc=dict(type='mmmultas.DirectMapping')))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
