# PASCAL-Context with one label per image (`regime`; the authors' own list can
# be its `file`, in the place of all else). Parts are labelled where a person
# is seen; the converter lists these images.
_base_ = './pascal_context.py'

regime = dict(
    regime='one',
    seed=0,
    only=dict(parts=f'{_base_.labels_root}/persons.txt'))
train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.RandomTurn'),
    dict(type='mmmultas.Squash', size=_base_.img_size),
    dict(type='mmmultas.PackInputs')
]
zoom = dict(type='mmmultas.ZoomCrop')
views_pipeline = [
    *train_pipeline[:-1],
    dict(
        type='mmmultas.SecondView',
        transforms=[dict(type='mmmultas.RandomFlip'), zoom]),
    train_pipeline[-1]
]
train_dataloader = dict(
    train=dict(dataset=dict(regime=regime, pipeline=train_pipeline)))
