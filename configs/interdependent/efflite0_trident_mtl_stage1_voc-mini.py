# Stage 1 of 4: everything. In all stages 496 batches of each task, divided
# as the paper divides its updates.
_base_ = './efflite0_trident_mtl_voc-mini.py'

train_cfg = dict(max_epochs=1, epoch_length=74, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
