# Labels alone, of both views: what the doubled batch gives by itself.
_base_ = './segnet-16_split_dense_edges_scenes.py'

pipeline = [
    *_base_.train_pipeline[:-1],
    dict(
        type='mmmultas.SecondView',
        supervised=True,
        transforms=[dict(type='mmmultas.RandomFlip'), _base_.zoom]),
    _base_.train_pipeline[-1]
]
train_dataloader = dict(train=dict(dataset=dict(pipeline=pipeline)))
