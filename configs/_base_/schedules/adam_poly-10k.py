# SPEC-INTERDEPENDENT 4: Adam, decay to 0 that begins anew every 10,000
# updates; no weight decay, no warm-up, no moving average.
lr = 1e-3

train_cfg = dict(
    type='mmmultas.MultiTaskTrainLoop',
    max_epochs=30,
    alternate='iteration',
    epoch_length=1000)
val_cfg = dict(
    type='mmmultas.MultiTaskValLoop',
    selection={
        'det/AP50': 1.0,
        'seg/mIoU': 1.0
    })
test_cfg = dict(type='mmmultas.MultiTaskTestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=lr, betas=(0.9, 0.999), eps=1e-10))
param_scheduler = dict(
    type='mmmultas.PolyRestartLR', by_epoch=False, period=10000, power=0.9)
custom_hooks = []

auto_scale_lr = dict(enable=False, base_batch_size=8)
