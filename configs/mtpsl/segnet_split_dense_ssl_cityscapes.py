# Labels, and two views that get one prediction (SSL).
_base_ = './segnet_split_dense_cityscapes.py'

model = dict(
    companions=dict(
        xtc=dict(type='mmmultas.ViewConsistency')))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
