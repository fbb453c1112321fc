# The small real part of VOC2012 with edges and saliency that follow from its
# masks (maps_of_masks.py writes them); every image keeps one of four labels.
img_size = 192
batch_size = 4
num_workers = 1
seed = 0  # decides who keeps what
data_root = '{{$MMMULTAS_DATA:data}}/VOCdevkit/VOC2012'
maps_root = '{{$MMMULTAS_MAPS:data/voc_maps}}'
tasks = ('det', 'seg', 'edges', 'saliency')
things = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car',
          'cat', 'chair', 'cow', 'diningtable', 'dog', 'horse', 'motorbike',
          'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor')
classes = dict(det=things, seg=('background', *things))

train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=img_size),
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
voc = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/JPEGImages',
    boxes=f'{data_root}/Annotations',
    masks=f'{data_root}/SegmentationClassAug',
    labels=dict(
        edges=dict(root=f'{maps_root}/edges', ignore=127),
        saliency=dict(root=f'{maps_root}/saliency', ignore=127)),
    classes=classes,
    names=f'{data_root}/ImageSets/Segmentation/val.txt')
train = dict(
    **voc,
    part='train',
    regime=dict(regime='one', seed=seed, tasks=tasks),
    pipeline=train_pipeline)
train_dataloader = dict(
    det=dict(**loader, dataset=dict(**train, tasks=('det', ))),
    seg=dict(**loader, dataset=dict(**train, tasks=('seg', ))),
    edges=dict(**loader, dataset=dict(**train, tasks=('edges', ))),
    saliency=dict(**loader, dataset=dict(**train, tasks=('saliency', ))))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **voc,
            part='val',
            tasks=tasks,
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

# every image shows one of five animals: other classes are too rare to score
val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric', min_gt=20),
    seg=dict(
        type='mmmultas.SegMetric',
        subset=('background', 'cat', 'cow', 'dog', 'horse', 'person',
                'sheep')),
    edges=dict(type='mmmultas.EdgeMetric', num_thresholds=19),
    saliency=dict(type='mmmultas.SaliencyMetric'))
test_evaluator = val_evaluator
