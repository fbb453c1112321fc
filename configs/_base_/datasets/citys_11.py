# Cityscapes, 2975 / 500 images of 384 x 768: boxes of 3 classes, masks of 11,
# by label ids (SPEC-INTERDEPENDENT 5), as
# tools/dataset_converters/cityscapes.py --size 384 768 --label-ids
# data/cityscapes data/cityscapes_384x768 writes them.
img_size = (384, 768)
batch_size = 8
num_workers = 4
data_root = '{{$MMMULTAS_CITYSCAPES_LARGE:data/cityscapes_384x768}}'

train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.ScaleCrop', scale=(1.0, 1.5)),
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
# of each class the label ids that it consists of
label_ids = dict(
    road=7,
    traffic_sign=20,
    pedestrian=24,
    building=11,
    sky=23,
    vegetation=21,
    pole=17,
    sidewalk=8,
    fence=13,
    cycle=[25, 32, 33],
    vehicle=[26, 27, 28])
cityscapes = dict(
    type='mmmultas.FolderDataset',
    tasks=('det', 'seg'),
    classes=dict(
        det=('person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle',
             'bicycle'),
        seg=tuple(label_ids)),
    label_map=dict(
        det=dict(
            person='person',
            rider='person',
            car='vehicle',
            truck='vehicle',
            bus='vehicle',
            train=None,
            motorcycle='cycle',
            bicycle='cycle')),
    palette=dict(
        seg=((128, 64, 128), (220, 220, 0), (220, 20, 60), (70, 70, 70),
             (70, 130, 180), (107, 142, 35), (153, 153, 153), (244, 35, 232),
             (190, 153, 153), (119, 11, 32), (0, 0, 142))),
    mask_values=list(label_ids.values()),
    ignore_values=[
        0, 1, 2, 3, 4, 5, 6, 9, 10, 12, 14, 15, 16, 18, 19, 22, 29, 30, 31,
        255
    ])
train_part = dict(
    images=f'{data_root}/train/images',
    masks=f'{data_root}/train/label_ids',
    boxes=f'{data_root}/train/boxes.json')
val_part = dict(
    images=f'{data_root}/val/images',
    masks=f'{data_root}/val/label_ids',
    boxes=f'{data_root}/val/boxes.json')
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
    det=dict(type='mmmultas.VOCDetMetric'),
    seg=dict(type='mmmultas.SegMetric'))
test_evaluator = val_evaluator
