# COCO's 80 classes: boxes of one half of train2017, masks rasterised from
# the instances of the other (coco_masks.py), both labels of val2017.
_base_ = './voc_partial.py'

data_root = '{{$MMMULTAS_COCO:data/coco}}'
det_classes = (
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train',
    'truck', 'boat', 'traffic light', 'fire hydrant', 'stop sign',
    'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow',
    'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella', 'handbag',
    'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports ball', 'kite',
    'baseball bat', 'baseball glove', 'skateboard', 'surfboard',
    'tennis racket', 'bottle', 'wine glass', 'cup', 'fork', 'knife', 'spoon',
    'bowl', 'banana', 'apple', 'sandwich', 'orange', 'broccoli', 'carrot',
    'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch', 'potted plant',
    'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote',
    'keyboard', 'cell phone', 'microwave', 'oven', 'toaster', 'sink',
    'refrigerator', 'book', 'clock', 'vase', 'scissors', 'teddy bear',
    'hair drier', 'toothbrush')
# as numbered in the masks
seg_classes = ('background', *det_classes)

images = dict(
    type='mmmultas.FolderDataset',
    classes=dict(det=det_classes, seg=seg_classes))
train_dataloader = dict(
    det=dict(
        dataset=dict(
            _delete_=True,
            **images,
            tasks=('det', ),
            images=f'{data_root}/train2017',
            boxes=f'{data_root}/halves/boxes_train.json',
            pipeline=_base_.train_pipeline)),
    seg=dict(
        dataset=dict(
            _delete_=True,
            **images,
            tasks=('seg', ),
            images=f'{data_root}/train2017',
            masks=f'{data_root}/halves/masks_train',
            pipeline=_base_.train_pipeline)))
val_dataloader = dict(
    val=dict(
        dataset=dict(
            _delete_=True,
            **images,
            tasks=('det', 'seg'),
            images=f'{data_root}/val2017',
            boxes=f'{data_root}/halves/boxes_val.json',
            masks=f'{data_root}/halves/masks_val',
            pipeline=_base_.test_pipeline,
            test_mode=True)))
test_dataloader = val_dataloader
