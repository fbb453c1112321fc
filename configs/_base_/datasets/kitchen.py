# RGB-D frames of one room (docs/tasks.md has the layout): depth, normals,
# layout (as classes) and edges; every image keeps one of the four.
img_size = (192, 256)
batch_size = 4
num_workers = 1
seed = 0  # decides who keeps what
data_root = '{{$MMMULTAS_KITCHEN:data/rgbd_kitchen}}'
tasks = ('seg', 'depth', 'normals', 'edges')
classes = dict(
    seg=('floor', 'table', 'seat or shelf', 'vertical', 'oblique'))

train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PhotometricJitter'),
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
kitchen = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/image',
    masks=f'{data_root}/layout',
    labels=dict(
        depth=dict(root=f'{data_root}/depth', scale=0.001, unit='m'),
        normals=dict(root=f'{data_root}/normal'),
        edges=dict(root=f'{data_root}/edge')),
    classes=classes,
    names=f'{data_root}/val.txt')
train = dict(
    **kitchen,
    part='train',
    regime=dict(regime='one', seed=seed, tasks=tasks),
    pipeline=train_pipeline)
train_dataloader = dict(
    seg=dict(**loader, dataset=dict(**train, tasks=('seg', ))),
    depth=dict(**loader, dataset=dict(**train, tasks=('depth', ))),
    normals=dict(**loader, dataset=dict(**train, tasks=('normals', ))),
    edges=dict(**loader, dataset=dict(**train, tasks=('edges', ))))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **kitchen,
            part='val',
            tasks=tasks,
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    seg=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'),
    normals=dict(type='mmmultas.NormalMetric'),
    edges=dict(type='mmmultas.EdgeMetric', max_dist=0.011))
test_evaluator = val_evaluator
