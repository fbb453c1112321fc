# The teacher of that half.
_base_ = '../multas/rn50_pafpn_det_vedai.py'

train_dataloader = dict(det=dict(dataset=_base_.half))
