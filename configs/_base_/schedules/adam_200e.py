# SPEC-MTPSL 3: Adam, halved every 100 of 200 epochs; the epoch with the
# highest relative gain over single tasks is kept.
max_epochs = 200
lr = 1e-4
film = 'companions.xtc.mapping.film'

train_cfg = dict(
    type='mmmultas.MultiTaskTrainLoop',
    max_epochs=max_epochs,
    alternate='iteration',
    epoch_length='max')
val_cfg = dict(
    type='mmmultas.MultiTaskValLoop',
    # by the released single-task figures of NYUv2, mIoU, aErr and mErr
    selection={
        'seg/mIoU': 1 / 37.4474,
        'depth/abs_err': -1 / .607902,
        'normals/mean': -1 / 25.938105
    })
test_cfg = dict(type='mmmultas.MultiTaskTestLoop')

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))
param_scheduler = [dict(type='mmmultas.PartStepLR', step_size=100)]
# with a mapping: `optim_wrapper = dict(paramwise_cfg=_base_.film_rate)` and
# `param_scheduler = _base_.film_steps`
film_rate = dict(custom_keys={film: dict(lr_mult=10.0)})
film_steps = [
    dict(type='mmmultas.PartStepLR', step_size=100, but=film),
    dict(type='mmmultas.PartStepLR', step_size=30, parts=film)
]
custom_hooks = []

auto_scale_lr = dict(enable=False, base_batch_size=2)
