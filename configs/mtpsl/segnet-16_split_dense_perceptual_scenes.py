# Perceptual-Map: what is drawn from prediction and label agrees.
_base_ = './segnet-16_split_dense_scenes.py'

model = dict(
    companions=dict(
        xtc=dict(
            type='mmmultas.PerceptualMapping',
            weight=_base_.term_weights.perceptual,
            widths=_base_.widths)))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
