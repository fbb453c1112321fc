# PASCAL-Context with one label per image (`regime`; the authors' own list can
# be its `file`, `only=dict(parts=...)` a list of images that show a person).
# Images are cropped and mirrored; the paper's code turns them by 20 degrees,
# too.
_base_ = './pascal_context.py'

regime = dict(regime='one', seed=0)
zoom = dict(type='mmmultas.ZoomCrop')
views_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(
        type='mmmultas.SecondView',
        transforms=[dict(type='mmmultas.RandomFlip'), zoom]),
    _base_.train_pipeline[-1]
]
train_dataloader = dict(train=dict(dataset=dict(regime=regime)))
