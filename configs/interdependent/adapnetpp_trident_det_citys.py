# The same detector on the encoder's maps, without a decoder.
_base_ = './adapnetpp_trident_mtl_stage1_citys.py'

model = dict(
    neck=dict(type='mmmultas.AdapNetPPSides', side_channels=280),
    heads=dict(seg=None),
    task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(train=dict(dataset=dict(tasks=('det', ))))
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', ))))
test_dataloader = val_dataloader
val_evaluator = dict(seg=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'det/AP50': 1.0})
