# Stage 3 of 4: the detector learns from boxes, all else rests.
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

model = dict(frozen=('backbone', 'neck', 'heads.seg'))
train_dataloader = dict(train=dict(dataset=dict(tasks=('det', ))))
train_cfg = dict(max_epochs=120)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
load_from = 'work_dirs/adapnetpp_trident_mtl_stage2_citys'
