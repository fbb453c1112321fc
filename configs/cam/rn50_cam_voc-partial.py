# CAM: which classes the images of the detection set show. The masks of the
# validation images judge its maps, their boxes those that are cut to boxes.
_base_ = [
    '../_base_/models/rn50_cam.py', '../_base_/datasets/voc_partial.py',
    '../_base_/schedules/cam_5e.py', '../_base_/default_runtime.py'
]

batch_size = 16
img_size = 512

# the whole image is cropped, and its classes are those in the crop
train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    # the longer side from 320 to 640 pixels
    dict(
        type='RandomResize',
        scale=(320, 320),
        ratio_range=(1.0, 2.0),
        keep_ratio=True),
    dict(type='mmmultas.RandomFlip'),
    dict(
        type='RandomCrop',
        crop_size=(img_size, img_size),
        allow_negative_crop=True),
    dict(
        type='Pad',
        size=(img_size, img_size),
        pad_val=dict(img=(103, 116, 124), seg=255)),
    dict(type='mmmultas.PackInputs')
]
# maps in the images' own sizes: one at a time, nothing is padded
test_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]
train_dataloader = dict(
    det=dict(batch_size=batch_size, dataset=dict(pipeline=train_pipeline)),
    seg=None)
val_dataloader = dict(
    val=dict(batch_size=1, dataset=dict(pipeline=test_pipeline)))
test_dataloader = val_dataloader
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
auto_scale_lr = dict(base_batch_size=batch_size)
