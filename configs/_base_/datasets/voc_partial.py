# SPEC 1.1: boxes on one part of VOC07+12, masks on the other, both on val.
# MMMULTAS_DATA and MMMULTAS_SPLITS name other folders than data/ and
# data/multas_splits/ (written by make_partial_splits.py).
img_size = 320
batch_size = 32
num_workers = 4
data_root = '{{$MMMULTAS_DATA:data}}/VOCdevkit'
splits = '{{$MMMULTAS_SPLITS:data/multas_splits}}'

dataset_type = 'mmmultas.VOCDataset'
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
# labels behind the resize: they stay in original pixels
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
train_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            subsets=[
                dict(root='VOC2007', ids=f'{splits}/VOC2007/MXEdet/train.txt'),
                dict(root='VOC2012', ids=f'{splits}/VOC2012/MXEdet/train.txt')
            ],
            tasks=('det', ),
            pipeline=train_pipeline)),
    seg=dict(
        **loader,
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            subsets=[
                dict(root='VOC2007', ids=f'{splits}/VOC2007/MXEseg/train.txt'),
                dict(
                    root='VOC2012',
                    ids=f'{splits}/VOC2012/MXEseg/train.txt',
                    masks='SegmentationClassAug')
            ],
            tasks=('seg', ),
            pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            subsets=[
                dict(root='VOC2012', ids=f'{splits}/VOC2012/MXEall/val.txt')
            ],
            tasks=('det', 'seg'),
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric'),
    seg=dict(type='mmmultas.SegMetric'))
test_evaluator = val_evaluator
