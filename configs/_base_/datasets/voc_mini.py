# A small part of VOC2012 that two CPU cores can train on: of the 860 images
# of trainaug 500 keep their boxes and 360 their masks, by rule.
_base_ = './voc_partial.py'

img_size = 224
batch_size = 16
num_workers = 1
rule = dict(
    type='fixed',
    source='ImageSets/Segmentation/trainaug.txt',
    num_det=500,
    num_seg=360,
    seed=0)

train_pipeline = [
    dict(t, size=img_size) if 'size' in t else t for t in _base_.train_pipeline
]
test_pipeline = [
    dict(t, size=img_size) if 'size' in t else t for t in _base_.test_pipeline
]
loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
train_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            subsets=[dict(root='VOC2012', ids=dict(rule, part='det'))],
            pipeline=train_pipeline)),
    seg=dict(
        **loader,
        dataset=dict(
            subsets=[
                dict(
                    root='VOC2012',
                    ids=dict(rule, part='seg'),
                    masks='SegmentationClassAug')
            ],
            pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            subsets=[
                dict(root='VOC2012', ids='ImageSets/Segmentation/val.txt')
            ],
            pipeline=test_pipeline)))
test_dataloader = val_dataloader

# every image shows one of five animals: other classes are too rare to score
val_evaluator = dict(
    det=dict(min_gt=20),
    seg=dict(subset=('background', 'cat', 'cow', 'dog', 'horse', 'person',
                     'sheep')))
test_evaluator = val_evaluator
