# SPEC 1.5: VEDAI's vehicles from above, fold 1, 512 pixels; jsons written by
# vedai.py. Judged by AP at IoU 0.10 and 0.25; mAP is the mean of the two.
img_size = 512
batch_size = 10
num_workers = 4
data_root = '{{$MMMULTAS_VEDAI:data/VEDAI}}'
fold = 'fold01'

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
vehicles = dict(
    type='mmmultas.FolderDataset',
    images=f'{data_root}/Vehicules512',
    image_suffix='_co.png',
    tasks=('det', ),
    classes=dict(
        det=('car', 'truck', 'pickup', 'tractor', 'camper', 'ship', 'van',
             'others')))
train_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            **vehicles,
            boxes=f'{data_root}/boxes512/{fold}_train.json',
            pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **vehicles,
            boxes=f'{data_root}/boxes512/{fold}_test.json',
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric', iou_thrs=(0.1, 0.25)))
test_evaluator = val_evaluator

# [P2]'s halves: part of the fold that keeps its boxes, by name, and all of
# it without any
half = dict(part='train', val_share=0.5)
unlabelled = dict(
    type='mmmultas.PartialDataset',
    tasks=(),
    dataset=dict(
        **vehicles, boxes=f'{data_root}/boxes512/{fold}_train.json'),
    pipeline=train_pipeline)
