# MTPSL: tasks teach each other in a joint space of their pair.
_base_ = './rn18-d8_aspp_dense_pascal.py'

model = dict(
    companions=dict(
        xtc=dict(
            type='mmmultas.CrossTaskConsistency',
            mapping=dict(type='mmmultas.ResNetMapping'))))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
