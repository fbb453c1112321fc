# [P1] Table 1, ReCAM: masks of the segmentation set, and those that a
# classifier sees on the detection set, written by make_pseudo_masks.py.
_base_ = './voc_seg.py'

splits = '{{$MMMULTAS_SPLITS:data/multas_splits}}'
pseudo = 'data/recam'

train_dataloader = dict(
    seg=dict(
        dataset=dict(subsets=[
            dict(root='VOC2007', ids=f'{splits}/VOC2007/MXEseg/train.txt'),
            dict(
                root='VOC2012',
                ids=f'{splits}/VOC2012/MXEseg/train.txt',
                masks='SegmentationClassAug'),
            dict(
                root='VOC2007',
                ids=f'{splits}/VOC2007/MXEdet/train.txt',
                masks=pseudo),
            dict(
                root='VOC2012',
                ids=f'{splits}/VOC2012/MXEdet/train.txt',
                masks=pseudo)
        ])))
