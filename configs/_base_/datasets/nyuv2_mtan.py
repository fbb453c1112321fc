# NYUv2, 795 / 654 images of 288 x 384: 13 classes, depth, normals,
# in the layout of MTAN's authors ({train,val}/{image,...}/0.npy). Every image
# has all labels; `regime` of the data set hides some (docs/tasks.md).
img_size = (288, 384)
batch_size = 2
num_workers = 4
data_root = '{{$MMMULTAS_NYUV2:data/nyuv2}}'
tasks = ('seg', 'depth', 'normals')

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
nyuv2 = dict(
    type='mmmultas.MTANDataset', data_root=data_root, tasks=tasks, unit='m')
train_part = dict(part='train')
val_part = dict(part='val')
train_dataloader = dict(
    train=dict(
        **loader,
        drop_last=True,
        dataset=dict(**nyuv2, **train_part, pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **nyuv2, **val_part, pipeline=test_pipeline, test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    seg=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'),
    normals=dict(type='mmmultas.NormalMetric'))
test_evaluator = val_evaluator
