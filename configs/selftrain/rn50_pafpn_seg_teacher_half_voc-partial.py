# [P2] Table 5, as read in matrices/p2-table5.yaml: half of these masks.
_base_ = './rn50_pafpn_seg_teacher_voc-partial.py'

train_dataloader = dict(seg=dict(dataset=dict(fraction=0.5)))
