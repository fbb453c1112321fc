# Stage 2 of 4: encoder and decoder learn from masks, the detector rests.
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

model = dict(frozen=('heads.det', ))
train_dataloader = dict(train=dict(dataset=dict(tasks=('seg', ))))
train_cfg = dict(max_epochs=120)
load_from = 'work_dirs/adapnetpp_trident_mtl_stage1_citys'
