# Stage 3 of 4: the detector learns from boxes, all else rests.
_base_ = './efflite0_trident_mtl_stage1_voc-mini.py'

model = dict(frozen=('backbone', 'neck', 'heads.seg'))
train_dataloader = dict(seg=None)
train_cfg = dict(epoch_length=298)
auto_scale_lr = dict(base_batch_size=8)
load_from = 'work_dirs/efflite0_trident_mtl_stage2_voc-mini'
