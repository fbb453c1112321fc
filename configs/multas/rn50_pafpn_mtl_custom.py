# Own data: boxes on some images, masks on others. Copy this file, edit the
# values down to the rule (docs/own_data.md explains each), then run
# tools/check_data.py on it. tools/new_project.py does both for you.
_base_ = [
    '../_base_/models/rn50_pafpn.py', '../_base_/schedules/sgd_30e.py',
    '../_base_/default_runtime.py'
]

# the network does these; one alone is fine, so are more (`further`)
tasks = ('det', 'seg')

# names in the files of boxes; masks may have others, and other many
det_classes = ('circle', 'square', 'triangle')
seg_classes = ('background', 'circle', 'square', 'triangle')

# boxes: a COCO json, or a folder of VOC's XMLs
det_images = 'data/own/det/images'
det_boxes = 'data/own/det/boxes.json'
# masks: a folder of PNGs that are named as their images
seg_images = 'data/own/seg/images'
seg_masks = 'data/own/seg/masks'
mask_suffix = '.png'
image_suffix = None  # '_leftImg8bit.png', where it is more than the type

# what stands for each of seg_classes in the masks: a number, a colour
# '#rrggbb' or a tuple of several; None means 0, 1, 2, ...
mask_values = None
# pixels that take no part
ignore_values = (255, )

# images for validation; where these are None, those of the images above
# that the file val_list names, or exactly val_share of them
val_det_images = None
val_det_boxes = None
val_seg_images = None
val_seg_masks = None
val_list = None
val_share = 0.2
# files that name the images of each part, such as VOC's ImageSets:
# dict(train='train.txt', val='val.txt')
det_lists = None
seg_lists = None
# streams of further labels (docs/own_data.md): images, and a folder of maps
# for each task: dict(depth=dict(images='data/own/rgb', labels=dict(depth=
# dict(kind='depth', root='data/own/depth', scale=0.001, unit='m'))))
further = {}
# the same streams for validation; those that are not here hold some out
val_further = {}

# boxes teach masks ('b4m'), masks teach boxes ('m4b'), where classes of both
# have the same names (docs/weak_losses.md); () for neither, which it must be
# with tasks of one kind, with model.sequential and with heads that they refuse
weak_losses = ()

img_size = 320
batch_size = 16  # of each task
drop_last = True  # False fills the last batch of an epoch from its start
num_workers = 4
max_epochs = 30
warmup = 500  # updates
# 'SGD' as in the papers; 'AdamW' (lr = 2e-3) learns in fewer updates
optimizer = 'SGD'
lr = 5e-3 * batch_size / 32

# ---------------------------------------------------------------------------
# a stream per task: labels, transforms, loading
det_data = dict(
    type='mmmultas.FolderDataset',
    tasks=('det', ),
    classes=dict(det=det_classes),
    val_rule='count',
    val_share=val_share)
seg_data = dict(
    type='mmmultas.FolderDataset',
    tasks=('seg', ),
    classes=dict(seg=seg_classes),
    mask_values=mask_values,
    ignore_values=ignore_values,
    mask_suffix=mask_suffix,
    image_suffix=image_suffix,
    val_rule='count',
    val_share=val_share)

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

# which of the images: those of a list, or a part that is not held out
det_train = dict(names=det_lists['train']) if det_lists else dict(
    part=None if val_det_boxes else 'train',
    names=None if val_det_boxes else val_list)
det_val = dict(names=det_lists['val']) if det_lists else dict(
    part=None if val_det_boxes else 'val',
    names=None if val_det_boxes else val_list)
seg_train = dict(names=seg_lists['train']) if seg_lists else dict(
    part=None if val_seg_masks else 'train',
    names=None if val_seg_masks else val_list)
seg_val = dict(names=seg_lists['val']) if seg_lists else dict(
    part=None if val_seg_masks else 'val',
    names=None if val_seg_masks else val_list)

loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
train_dataloader = dict(
    det=dict(
        **loader,
        drop_last=drop_last,
        dataset=dict(
            **det_data,
            **det_train,
            images=det_images,
            boxes=det_boxes,
            pipeline=train_pipeline)),
    seg=dict(
        **loader,
        drop_last=drop_last,
        dataset=dict(
            **seg_data,
            **seg_train,
            images=seg_images,
            masks=seg_masks,
            pipeline=train_pipeline)))
val_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            **det_data,
            **det_val,
            images=val_det_images or det_images,
            boxes=val_det_boxes or det_boxes,
            pipeline=test_pipeline,
            test_mode=True)),
    seg=dict(
        **loader,
        dataset=dict(
            **seg_data,
            **seg_val,
            images=val_seg_images or seg_images,
            masks=val_seg_masks or seg_masks,
            pipeline=test_pipeline,
            test_mode=True)))

# further labels, by kind: metric, score that chooses the best model and its
# weight, head; all scores are in per cent
further_labels = {
    task: label
    for source in further.values() for task, label in source['labels'].items()
}
metrics = dict(
    boxes=dict(type='mmmultas.VOCDetMetric'),
    classes=dict(type='mmmultas.SegMetric'),
    depth=dict(type='mmmultas.DepthMetric'),
    normals=dict(type='mmmultas.NormalMetric'),
    # 99 thresholds, as papers have, take five times as long
    edges=dict(type='mmmultas.EdgeMetric', num_thresholds=19),
    saliency=dict(type='mmmultas.SaliencyMetric'))
scores = dict(
    boxes=('mAP', 1.0),
    classes=('mIoU', 1.0),
    depth=('rel_err', -100.0),
    normals=('within_22.5', 1.0),
    edges=('odsF', 1.0),
    saliency=('maxF', 1.0))
width = _base_.model.heads.seg.in_channels
dense_head = dict(
    type='mmmultas.DenseHead',
    in_channels=width,
    channels=width // 2,
    num_levels=_base_.model.heads.seg.num_levels,
    num_refine_convs=0)
base_heads = dict(boxes=_base_.model.heads.det, classes=_base_.model.heads.seg)
further_heads = {
    task: dict(
        base_heads[label['kind']],
        kind=label['kind'],
        num_classes=len(label['classes']))
    if label['kind'] in base_heads else dict(dense_head, kind=label['kind'])
    for task, label in further_labels.items()
}
further_data = dict(
    type='mmmultas.FolderDataset', val_rule='count', val_share=val_share)
further_train = {
    name: dict(
        **loader,
        drop_last=drop_last,
        dataset=dict(
            **further_data,
            **source,
            tasks=tuple(source['labels']),
            part=None if name in val_further else 'train',
            names=None if name in val_further else val_list,
            pipeline=train_pipeline))
    for name, source in further.items()
}
further_val = {
    name: dict(
        **loader,
        dataset=dict(
            **further_data,
            **val_further.get(name, source),
            tasks=tuple(source['labels']),
            part=None if name in val_further else 'val',
            names=None if name in val_further else val_list,
            pipeline=test_pipeline,
            test_mode=True))
    for name, source in further.items()
}

val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric'),
    seg=dict(type='mmmultas.SegMetric'),
    **{
        task: metrics[label['kind']]
        for task, label in further_labels.items()
    })
train_dataloader = {
    **{task: train_dataloader[task] for task in train_dataloader
       if task in tasks},
    **further_train
}
val_dataloader = {
    **{task: val_dataloader[task] for task in val_dataloader
       if task in tasks},
    **further_val
}
val_evaluator = {task: val_evaluator[task] for task in tasks}
test_dataloader = val_dataloader
test_evaluator = val_evaluator

# ---------------------------------------------------------------------------
# what the values above decide
heads = dict(
    det=dict(num_classes=len(det_classes)),
    seg=dict(num_classes=len(seg_classes)),
    **further_heads)
companions = dict(
    b4m=dict(type='mmmultas.BoxForMask', lines_weight=0.5),
    m4b=dict(type='mmmultas.MaskForBox'))
if isinstance(weak_losses, str):
    weak_losses = (weak_losses, )
model = dict(
    heads={task: heads[task] if task in tasks else None for task in heads},
    companions={name: companions.get(name, name) for name in weak_losses},
    task_weights={'_delete_': True, **{task: 1.0 for task in tasks}})
selection = {
    'det/mAP': 1.0,
    'seg/mIoU': 1.0,
    **{
        f'{task}/{scores[label["kind"]][0]}': scores[label['kind']][1]
        for task, label in further_labels.items()
    }
}
val_cfg = dict(
    selection={
        '_delete_': True,
        **{score: weight for score, weight in selection.items()
           if score.split('/')[0] in tasks}
    })
train_cfg = dict(max_epochs=max_epochs)
optimizers = dict(
    SGD=dict(lr=lr),
    AdamW=dict(_delete_=True, type='AdamW', lr=lr, weight_decay=0.05))
# weights of ImageNet change slowly
slow = optimizer == 'AdamW' and 'init_cfg' in _base_.model.backbone
optim_wrapper = dict(
    optimizer=optimizers[optimizer],
    paramwise_cfg=dict(
        custom_keys=dict(backbone=dict(lr_mult=0.2)) if slow else {}))
param_scheduler = dict(warmup=warmup)
auto_scale_lr = dict(base_batch_size=len(train_dataloader) * batch_size)
