# From the network of the other task: the shared encoder stays as it is.
_base_ = './rn50_pafpn_seg_finetune-full.py'

model = dict(frozen=('backbone', 'neck'))
