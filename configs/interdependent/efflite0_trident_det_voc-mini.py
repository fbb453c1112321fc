# The same detector on the encoder's maps, without a decoder.
_base_ = './efflite0_trident_mtl_voc-mini.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='mmmultas.AdapNetPPSides',
        in_channels=[24, 40, 112],
        channels=64,
        side_channels=76,
        aspp_width=16,
        rates=[1, 2, 4]),
    heads=dict(seg=None),
    task_weights=dict(_delete_=True, det=1.0))
train_dataloader = dict(seg=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', ))))
test_dataloader = val_dataloader
val_evaluator = dict(seg=None)
test_evaluator = val_evaluator
val_cfg = dict(selection={'_delete_': True, 'det/AP50_min20': 1.0})
auto_scale_lr = dict(base_batch_size=8)
