# SPEC 1.4: boxes of VOC's detection part, masks of Cityscapes in 7
# categories (written by cityscapes.py); each task is judged on its own val.
_base_ = './voc_partial.py'

seg_size = (128, 256)  # height, width
seg_root = '{{$MMMULTAS_CITYSCAPES:data/cityscapes_128x256}}'

seg_data = dict(
    type='mmmultas.FolderDataset',
    tasks=('seg', ),
    classes=dict(
        seg=('flat', 'construction', 'object', 'nature', 'sky', 'human',
             'vehicle')),
    palette=dict(
        seg=((128, 64, 128), (70, 70, 70), (153, 153, 153), (107, 142, 35),
             (70, 130, 180), (220, 20, 60), (0, 0, 142))))
# the released code names the changes; how often and how much are ours
seg_train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=seg_size),
    dict(type='mmmultas.PhotometricJitter', hue=0, saturation=(1., 1.)),
    dict(type='mmmultas.RandomGamma'),
    dict(type='mmmultas.ColourCast'),
    dict(type='mmmultas.LocalContrast'),
    dict(type='mmmultas.RandomBlur'),
    dict(type='mmdet.Rotate', prob=.5, max_mag=10., img_border_value=114),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.PackInputs')
]
seg_test_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.Squash', size=seg_size),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]

train_dataloader = dict(
    seg=dict(
        dataset=dict(
            _delete_=True,
            **seg_data,
            images=f'{seg_root}/train/images',
            masks=f'{seg_root}/train/masks',
            pipeline=seg_train_pipeline)))
val_dataloader = dict(
    _delete_=True,
    det=dict(
        **_base_.loader,
        dataset=dict(_base_.val_dataloader.val.dataset, tasks=('det', ))),
    seg=dict(
        **_base_.loader,
        dataset=dict(
            **seg_data,
            images=f'{seg_root}/val/images',
            masks=f'{seg_root}/val/masks',
            pipeline=seg_test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader
