# NYUv2 as MTPSL trains on it: crops of the released code, one label per
# image (`regime`; the authors' own lists can be its `file`).
_base_ = './nyuv2_mtan.py'

regime = dict(regime='one', seed=0)
zoom = dict(type='mmmultas.ZoomCrop', released=True)
train_pipeline = [
    dict(type='mmmultas.LoadArrayImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=_base_.img_size), zoom,
    dict(type='mmmultas.PackInputs')
]
views_pipeline = [
    dict(type='mmmultas.LoadArrayImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=_base_.img_size),
    zoom,
    dict(type='mmmultas.SecondView', transforms=[zoom]),
    dict(type='mmmultas.PackInputs')
]
train_dataloader = dict(
    train=dict(dataset=dict(regime=regime, pipeline=train_pipeline)))
