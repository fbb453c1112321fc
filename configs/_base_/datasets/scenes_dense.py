# Drawn rooms of 96 x 128 (make_scenes.py) with classes, depth and normals;
# every image keeps one of the three (`regime`). 240 rooms: with more, a
# network of a few thousand updates learns from one label what it learns from
# all.
img_size = (96, 128)
batch_size = 8
num_workers = 0
regime = dict(regime='one', seed=0)
data_root = '{{$MMMULTAS_SCENES:data/scenes}}'
tasks = ('seg', 'depth', 'normals')
num_train = 240
# median frequency over that of a class, of the masks that the regime keeps:
# eleven of twelve pixels are floor or wall
class_weight = [0.1, 0.1, 1.0, 1.7, 1.1]

zoom = dict(type='mmmultas.ZoomCrop')
train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.Squash', size=img_size),
    zoom,
    dict(type='mmmultas.PackInputs')
]
# a second view is a part of the first
views_pipeline = [
    *train_pipeline[:-1],
    dict(
        type='mmmultas.SecondView',
        transforms=[dict(type='mmmultas.RandomFlip'), zoom]),
    train_pipeline[-1]
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
scenes = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/images',
    masks=f'{data_root}/classes',
    labels=dict(
        depth=dict(root=f'{data_root}/depth', scale=0.001, unit='m'),
        normals=dict(root=f'{data_root}/normals')),
    classes=dict(seg=('floor', 'wall', 'box', 'sphere', 'cylinder')),
    tasks=tasks,
    names=f'{data_root}/val.txt')
train_dataloader = dict(
    train=dict(
        **loader,
        dataset=dict(
            **scenes,
            part='train',
            regime=regime,
            indices=num_train,
            pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **scenes, part='val', pipeline=test_pipeline, test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    seg=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'),
    normals=dict(type='mmmultas.NormalMetric'))
test_evaluator = val_evaluator
