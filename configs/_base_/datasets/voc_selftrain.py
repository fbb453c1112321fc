# SPEC 1.2: VOC07+12 trainval in parts, tested on VOC2007 test. The lists are
# written by make_partial_splits.py --protocol selftrain
# --out data/selftrain_splits.
_base_ = './voc_det-views.py'

splits = '{{$MMMULTAS_SELFTRAIN_SPLITS:data/selftrain_splits}}'
part = [
    dict(root=year, ids=f'{splits}/{year}/Half/trainval.txt')
    for year in ('VOC2007', 'VOC2012')
]
full = [
    dict(root=year, ids=f'{splits}/{year}/Full/trainval.txt')
    for year in ('VOC2007', 'VOC2012')
]

train_dataloader = dict(det=dict(dataset=dict(subsets=part)))
val_dataloader = dict(
    val=dict(
        dataset=dict(subsets=[
            dict(root='VOC2007', ids=f'{splits}/VOC2007/Full/test.txt')
        ])))
test_dataloader = val_dataloader
