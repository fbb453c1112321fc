# RN18+FPN whose detector also reads the sum of the segmentation head.
_base_ = '../multas/rn18_fpn_mtl.py'

model = dict(
    heads=dict(
        det=dict(
            inputs=('neck', 'seg.decoder'),
            join=dict(
                type='mmmultas.AddPooled',
                in_channels=128,
                out_channels=256,
                num_levels=4))))
