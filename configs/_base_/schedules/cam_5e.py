# CAM's classifier (SPEC-WEAK 4): plain SGD, polynomial decay, 5 epochs; the
# last layer learns ten times as fast.
_base_ = './sgd_30e.py'

max_epochs = 5
lr = 0.1

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(
    optimizer=dict(lr=lr, momentum=0.0, weight_decay=1e-4),
    paramwise_cfg=dict(
        _delete_=True, custom_keys={'heads.seg': dict(lr_mult=10.0)}))
param_scheduler = dict(
    _delete_=True,
    type='PolyLR',
    power=0.9,
    eta_min=0.0,
    begin=0,
    end=max_epochs,
    by_epoch=True,
    convert_to_iter_based=True)
custom_hooks = []
val_cfg = dict(selection={'_delete_': True, 'seg/mIoU': 1.0})
