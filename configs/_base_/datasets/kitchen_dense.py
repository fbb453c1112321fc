# RGB-D frames of one room as in `kitchen.py`; every image keeps one of four
# labels, in one stream, and may have a second view.
_base_ = './kitchen.py'

regime = dict(regime='one', seed=0)
zoom = dict(type='mmmultas.ZoomCrop')
train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PhotometricJitter'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.Squash', size=_base_.img_size), zoom,
    dict(type='mmmultas.PackInputs')
]
views_pipeline = [
    *train_pipeline[:-1],
    dict(
        type='mmmultas.SecondView',
        transforms=[dict(type='mmmultas.RandomFlip'), zoom]),
    train_pipeline[-1]
]
train_dataloader = dict(
    _delete_=True,
    train=dict(
        batch_size=_base_.batch_size,
        num_workers=_base_.num_workers,
        persistent_workers=True,
        dataset=dict(
            type='mmmultas.FolderDataset',
            images=f'{_base_.data_root}/image',
            masks=f'{_base_.data_root}/layout',
            labels=dict(
                depth=dict(
                    root=f'{_base_.data_root}/depth', scale=0.001, unit='m'),
                normals=dict(root=f'{_base_.data_root}/normal'),
                edges=dict(root=f'{_base_.data_root}/edge')),
            classes=_base_.classes,
            names=f'{_base_.data_root}/val.txt',
            part='train',
            tasks=_base_.tasks,
            regime=regime,
            pipeline=train_pipeline)))
