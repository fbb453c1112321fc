# About half of the fold, chosen by the images' names.
_base_ = '../multas/rn18_fpn_det_vedai.py'

train_dataloader = dict(det=dict(dataset=_base_.half))
