# Cityscapes as tools/dataset_converters/cityscapes.py --disparity pixels
# writes it: 7 categories and disparity in pixels of the full-size image.
img_size = (128, 256)
batch_size = 8
num_workers = 4
data_root = '{{$MMMULTAS_CITYSCAPES:data/cityscapes_128x256}}'
tasks = ('seg', 'depth')

train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.CropExpand'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.Squash', size=img_size),
    dict(type='mmmultas.PackInputs')
]
test_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.Squash', size=img_size),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]
loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
cityscapes = dict(
    type='mmmultas.FolderDataset',
    tasks=tasks,
    classes=dict(
        seg=('flat', 'construction', 'object', 'nature', 'sky', 'human',
             'vehicle')))
disparity = dict(scale=1 / 256, unit='px')  # 1 / 65536 of --disparity mtan
train_part = dict(
    images=f'{data_root}/train/images',
    masks=f'{data_root}/train/masks',
    labels=dict(depth=dict(disparity, root=f'{data_root}/train/disparity')))
val_part = dict(
    images=f'{data_root}/val/images',
    masks=f'{data_root}/val/masks',
    labels=dict(depth=dict(disparity, root=f'{data_root}/val/disparity')))
train_dataloader = dict(
    train=dict(
        **loader,
        drop_last=True,
        dataset=dict(**cityscapes, **train_part, pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **cityscapes, **val_part, pipeline=test_pipeline, test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    seg=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'))
test_evaluator = val_evaluator
