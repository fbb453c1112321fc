# From the network of the other task: the shared encoder stays as it is.
_base_ = './rn18_fpn_det_finetune-full.py'

model = dict(frozen=('backbone', 'neck'))
