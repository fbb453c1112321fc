# Perceptual-Map: what is drawn from prediction and label agrees.
_base_ = './segnet_split_dense_cityscapes.py'

model = dict(
    companions=dict(
        xtc=dict(type='mmmultas.PerceptualMapping')))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
