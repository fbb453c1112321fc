# Own data: boxes on some images, masks on others. Copy this file, edit the
# values down to the rule (docs/own_data.md explains each), then run
# tools/check_data.py on it. tools/new_project.py does both for you.
_base_ = [
    '../_base_/models/rn50_pafpn.py', '../_base_/schedules/sgd_30e.py',
    '../_base_/default_runtime.py'
]

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

# what stands for each of seg_classes in the masks: a number, a colour
# '#rrggbb' or a tuple of several; None means 0, 1, 2, ...
mask_values = None
# pixels that take no part
ignore_values = (255, )

# images for validation; where these are None, val_share of those above
val_det_images = None
val_det_boxes = None
val_seg_images = None
val_seg_masks = None
val_share = 0.2

img_size = 320
batch_size = 16  # of each task
num_workers = 4
max_epochs = 30
warmup = 500  # updates
lr = 5e-3 * batch_size / 32

# ---------------------------------------------------------------------------
# a stream per task: labels, transforms, loading
det_data = dict(
    type='mmmultas.FolderDataset',
    tasks=('det', ),
    classes=dict(det=det_classes),
    val_share=val_share)
seg_data = dict(
    type='mmmultas.FolderDataset',
    tasks=('seg', ),
    classes=dict(seg=seg_classes),
    mask_values=mask_values,
    ignore_values=ignore_values,
    mask_suffix=mask_suffix,
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

loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
train_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            **det_data,
            images=det_images,
            boxes=det_boxes,
            part=None if val_det_boxes else 'train',
            pipeline=train_pipeline)),
    seg=dict(
        **loader,
        dataset=dict(
            **seg_data,
            images=seg_images,
            masks=seg_masks,
            part=None if val_seg_masks else 'train',
            pipeline=train_pipeline)))
val_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            **det_data,
            images=val_det_images or det_images,
            boxes=val_det_boxes or det_boxes,
            part=None if val_det_boxes else 'val',
            pipeline=test_pipeline,
            test_mode=True)),
    seg=dict(
        **loader,
        dataset=dict(
            **seg_data,
            images=val_seg_images or seg_images,
            masks=val_seg_masks or seg_masks,
            part=None if val_seg_masks else 'val',
            pipeline=test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader

val_evaluator = dict(
    det=dict(type='mmmultas.VOCDetMetric'),
    seg=dict(type='mmmultas.SegMetric'))
test_evaluator = val_evaluator

# ---------------------------------------------------------------------------
# what the numbers above decide
model = dict(
    heads=dict(
        det=dict(num_classes=len(det_classes)),
        seg=dict(num_classes=len(seg_classes))))
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr))
param_scheduler = dict(warmup=warmup)
auto_scale_lr = dict(base_batch_size=2 * batch_size)
