# Contrastive: a label is nearest to its own image.
_base_ = './segnet-16_split_dense_edges_scenes.py'

model = dict(
    companions=dict(
        xtc=dict(
            type='mmmultas.CrossTaskContrast',
            weight=_base_.term_weights.contrast,
            mapping=dict(
                type='mmmultas.SegNetMapping', widths=_base_.widths))))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
# FiLM's factors learn ten times as fast
optim_wrapper = dict(paramwise_cfg=_base_.film_rate)
