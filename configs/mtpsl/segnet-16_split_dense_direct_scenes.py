# Direct-Map: a SegNet per pair draws one task from another.
_base_ = './segnet-16_split_dense_scenes.py'

model = dict(
    companions=dict(
        xtc=dict(
            type='mmmultas.DirectMapping',
            weight=_base_.term_weights.direct,
            widths=_base_.widths)))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
