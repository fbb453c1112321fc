# ReCAM's masks beside the real ones (docs/weak_losses.md makes them first).
_base_ = './efflite0-64_fpn_seg_voc-mini.py'

rule = dict(
    type='fixed',
    source='ImageSets/Segmentation/trainaug.txt',
    num_det=500,
    num_seg=360,
    seed=0)

train_dataloader = dict(
    seg=dict(
        dataset=dict(subsets=[
            dict(
                root='VOC2012',
                ids=dict(rule, part='seg'),
                masks='SegmentationClassAug'),
            dict(
                root='VOC2012',
                ids=dict(rule, part='det'),
                masks='data/recam_voc-mini')
        ])))
