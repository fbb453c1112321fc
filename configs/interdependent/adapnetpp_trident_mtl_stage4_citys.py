# Stage 4 of 4: everything once more, slowly.
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

train_cfg = dict(max_epochs=50)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
load_from = 'work_dirs/adapnetpp_trident_mtl_stage3_citys'
