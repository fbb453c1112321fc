# [P2]: 70 epochs at 0.01, stopped after the 50th where nothing grows.
_base_ = './sgd_30e.py'

max_epochs = 70
lr = 0.01

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr))
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmmultas.EarlyStoppingHook',
        patience=5,
        min_delta=0.07,
        begin=50,
        gap_factor=1.5)
]
