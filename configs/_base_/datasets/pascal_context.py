# PASCAL-Context with five dense tasks, 4998 / 5105 images, as
# tools/dataset_converters/pascal_context.py prepares them (docs/data.md).
img_size = (512, 512)
batch_size = 6
num_workers = 4
data_root = '{{$MMMULTAS_PASCAL_MT:data/PASCAL_MT}}'
labels_root = '{{$MMMULTAS_PASCAL_CONTEXT:data/pascal_context}}'
tasks = ('seg', 'parts', 'saliency', 'edges', 'normals')
parts = ('background', 'head', 'torso', 'upper arm', 'lower arm', 'upper leg',
         'lower leg')

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
pascal = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/JPEGImages',
    masks=f'{labels_root}/semseg',
    labels=dict(
        parts=dict(
            kind='classes', root=f'{labels_root}/parts', classes=parts),
        saliency=dict(root=f'{data_root}/sal_distill', suffix='.png'),
        edges=dict(root=f'{labels_root}/edges'),
        normals=dict(root=f'{labels_root}/normals')),
    tasks=tasks,
    classes=dict(
        seg=('background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle',
             'bus', 'car', 'cat', 'chair', 'cow', 'diningtable', 'dog',
             'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
             'train', 'tvmonitor')))
train_part = dict(names=f'{data_root}/ImageSets/Context/train.txt')
val_part = dict(names=f'{data_root}/ImageSets/Context/val.txt')
train_dataloader = dict(
    train=dict(
        **loader,
        drop_last=True,
        dataset=dict(**pascal, **train_part, pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **pascal, **val_part, pipeline=test_pipeline, test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    seg=dict(type='mmmultas.SegMetric'),
    parts=dict(type='mmmultas.SegMetric'),
    saliency=dict(type='mmmultas.SaliencyMetric'),
    edges=dict(type='mmmultas.EdgeMetric'),
    normals=dict(type='mmmultas.NormalMetric'))
test_evaluator = val_evaluator
