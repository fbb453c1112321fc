# Stage 2 of 4: encoder and decoder learn from masks, the detector rests.
_base_ = './efflite0_trident_mtl_stage1_voc-mini.py'

model = dict(frozen=('heads.det', ))
train_dataloader = dict(det=None)
train_cfg = dict(epoch_length=298)
auto_scale_lr = dict(base_batch_size=8)
load_from = 'work_dirs/efflite0_trident_mtl_stage1_voc-mini'
