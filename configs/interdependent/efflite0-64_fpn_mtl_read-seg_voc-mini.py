# The FPN model of configs/multas, whose detector also reads the sum of the
# segmentation head: with weights that begin at 0 it begins as the plain one.
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

model = dict(
    heads=dict(
        det=dict(
            inputs=('neck', 'seg.decoder'),
            join=dict(
                type='mmmultas.AddPooled',
                in_channels=64,
                out_channels=64,
                num_levels=4))))
