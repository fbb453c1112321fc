# [P2] Table 5, as read in matrices/p2-table5.yaml: the masks of all images
# that have one, also of those whose boxes the student learns from.
_base_ = './rn50_pafpn_seg_teacher_voc-partial.py'

splits = '{{$MMMULTAS_SPLITS:data/multas_splits}}'

train_dataloader = dict(
    seg=dict(
        dataset=dict(subsets=[
            dict(root='VOC2007', ids=f'{splits}/VOC2007/MXEfull/train.txt'),
            dict(
                root='VOC2012',
                ids=f'{splits}/VOC2012/MXEfull/train.txt',
                masks='SegmentationClassAug')
        ])))
