# MTPSL: tasks teach each other in a joint space of their pair.
_base_ = './segnet_split_dense_cityscapes.py'

model = dict(
    companions=dict(
        xtc=dict(type='mmmultas.CrossTaskConsistency')))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
optim_wrapper = dict(paramwise_cfg=_base_.film_rate)
param_scheduler = _base_.film_steps
