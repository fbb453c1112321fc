# SPEC-MTPSL 3: the survey's training on PASCAL-Context.
max_epochs = 100
film = 'companions.xtc.mapping.film'

train_cfg = dict(
    type='mmmultas.MultiTaskTrainLoop',
    max_epochs=max_epochs,
    alternate='iteration',
    epoch_length='max')
val_cfg = dict(
    type='mmmultas.MultiTaskValLoop',
    selection={
        'seg/mIoU': 1.0,
        'parts/mIoU': 1.0,
        'saliency/mIoU': 1.0,
        'edges/odsF': 1.0,
        'normals/mean': -1.0
    })
test_cfg = dict(type='mmmultas.MultiTaskTestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, by_epoch=True)]
custom_hooks = []

auto_scale_lr = dict(enable=False, base_batch_size=6)
