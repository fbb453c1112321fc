# Boxes and masks in a joint space (docs/consistency.md): boxes as a map of
# the best score of each class.
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

model = dict(
    companions=dict(
        xtc=dict(
            type='mmmultas.CrossTaskConsistency',
            tasks=('det', 'seg'),
            view='first',
            # of stride 32, as the mapping's
            feature='neck.fpn_convs.2',
            mapping=dict(
                type='mmmultas.SegNetMapping',
                widths=(16, 32, 64, 64, 64)))))
