# Stage 4 of 4: everything once more, at a tenth of the rate.
_base_ = './efflite0_trident_mtl_stage1_voc-mini.py'

train_cfg = dict(epoch_length=124)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
load_from = 'work_dirs/efflite0_trident_mtl_stage3_voc-mini'
