# SPEC 6: SGD, 500 updates of warm-up, cosine to lr / 10, EMA, 30 epochs.
max_epochs = 30
lr = 5e-3
warmup = 500

train_cfg = dict(
    type='mmmultas.MultiTaskTrainLoop',
    max_epochs=max_epochs,
    alternate='iteration',
    epoch_length='max')
val_cfg = dict(
    type='mmmultas.MultiTaskValLoop',
    selection={
        'det/mAP': 1.0,
        'seg/mIoU': 1.0
    })
test_cfg = dict(type='mmmultas.MultiTaskTestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4),
    # no decay on biases and 1-D parameters
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))

param_scheduler = dict(
    type='mmmultas.WarmupCosineLR',
    by_epoch=False,
    warmup=warmup,
    start_factor=0.1,
    eta_min_ratio=0.1)

custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=2e-4,
        gamma=2000,
        update_buffers=True)
]

# images per update that lr belongs to: 32 of each task
auto_scale_lr = dict(enable=False, base_batch_size=64)
