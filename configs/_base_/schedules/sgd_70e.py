# [P2]: 70 epochs at 0.01, stopped after the 50th where nothing grows.
_base_ = './sgd_30e.py'

max_epochs = 70
lr = 0.01

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr))
early_stopping = dict(
    type='mmmultas.EarlyStoppingHook',
    patience=5,
    min_delta=0.07,
    begin=50,
    gap_factor=1.5)
custom_hooks = [*_base_.custom_hooks, early_stopping]
# `custom_hooks = _base_.kd_hooks` of students with teachers: a base cannot
# change what another one beside it says
kd_hooks = [*_base_.custom_hooks, dict(early_stopping, min_delta=0.04)]
