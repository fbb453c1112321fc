# MTPSL without the distance to the encoder's feature.
_base_ = './segnet-16_split_dense_xtc_scenes.py'

model = dict(companions=dict(xtc=dict(reg_weight=0)))
