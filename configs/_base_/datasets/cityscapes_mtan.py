# Cityscapes, 2975 / 500 images of 128 x 256: 7 classes and disparity,
# in the layout of MTAN's authors ({train,val}/{image,...}/0.npy). Every image
# has all labels; `regime` of the data set hides some (docs/tasks.md).
img_size = (128, 256)
batch_size = 8
num_workers = 4
data_root = '{{$MMMULTAS_CITYSCAPES_MTAN:data/cityscapes_mtan}}'
tasks = ('seg', 'depth')

train_pipeline = [
    dict(type='mmmultas.LoadArrayImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.CropExpand'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.Squash', size=img_size),
    dict(type='mmmultas.PackInputs')
]
test_pipeline = [
    dict(type='mmmultas.LoadArrayImage'),
    dict(type='mmmultas.Squash', size=img_size),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]
loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
cityscapes = dict(
    type='mmmultas.MTANDataset',
    data_root=data_root,
    tasks=tasks,
    folders=dict(seg='label_7'),
    classes=[f'class {number}' for number in range(7)],
    unit='png / 65536')
train_part = dict(part='train')
val_part = dict(part='val')
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
