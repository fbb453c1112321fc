# Drawn rooms of 96 x 128 with boxes, classes, depth, normals and edges
# (make_scenes.py writes them). Every image keeps one label; each task has a
# stream of its own, of the images that keep its label.
img_size = (96, 128)
batch_size = 4
num_workers = 0
seed = 0  # decides who keeps what
data_root = '{{$MMMULTAS_SCENES:data/scenes}}'
tasks = ('det', 'seg', 'depth', 'normals', 'edges')
things = ('box', 'sphere', 'cylinder')
classes = dict(det=things, seg=('floor', 'wall', *things))

train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PhotometricJitter'),
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
scenes = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/images',
    boxes=f'{data_root}/boxes.json',
    masks=f'{data_root}/classes',
    labels=dict(
        depth=dict(root=f'{data_root}/depth', scale=0.001, unit='m'),
        normals=dict(root=f'{data_root}/normals'),
        edges=dict(root=f'{data_root}/edges')),
    classes=classes,
    names=f'{data_root}/val.txt')
train = dict(
    **scenes,
    part='train',
    regime=dict(regime='one', seed=seed, tasks=tasks),
    pipeline=train_pipeline)
train_dataloader = dict(
    det=dict(**loader, dataset=dict(**train, tasks=('det', ))),
    seg=dict(**loader, dataset=dict(**train, tasks=('seg', ))),
    depth=dict(**loader, dataset=dict(**train, tasks=('depth', ))),
    normals=dict(**loader, dataset=dict(**train, tasks=('normals', ))),
    edges=dict(**loader, dataset=dict(**train, tasks=('edges', ))))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **scenes,
            part='val',
            tasks=tasks,
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric'),
    seg=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'),
    normals=dict(type='mmmultas.NormalMetric'),
    edges=dict(type='mmmultas.EdgeMetric', num_thresholds=19))
test_evaluator = val_evaluator
