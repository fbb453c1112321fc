# Masks that GrabCut cuts out of the boxes, a baseline of weak losses:
#     python tools/dataset_converters/make_box_masks.py \
#         configs/multas/efflite0-64_fpn_mtl_voc-mini.py \
#         --out data/grabcut_voc-mini
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

train_dataloader = dict(
    det=dict(
        dataset=dict(
            subsets=[
                dict(
                    root='VOC2012',
                    ids=dict(_base_.rule, part='det'),
                    masks='data/grabcut_voc-mini')
            ],
            tasks=('det', 'seg'))))
