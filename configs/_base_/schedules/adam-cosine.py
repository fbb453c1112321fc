# Adam for a narrow SegNet on a CPU: 2,000 updates, ten times the rate
# of `adam_200e.py`, warmed up and brought down by a cosine.
_base_ = './adam_200e.py'

max_epochs = 8
lr = 1e-3

train_cfg = dict(
    max_epochs=max_epochs, epoch_length=250, val_interval=max_epochs)
val_cfg = dict(
    selection={
        '_delete_': True,
        'seg/mIoU': 1.0,
        'depth/abs_err': -100.0,
        'normals/mean': -1.0
    })
optim_wrapper = dict(optimizer=dict(lr=lr))
param_scheduler = [
    dict(
        type='mmmultas.WarmupCosineLR',
        by_epoch=False,
        warmup=50,
        eta_min_ratio=0.02)
]
auto_scale_lr = dict(base_batch_size=8)
