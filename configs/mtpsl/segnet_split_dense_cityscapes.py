# Labels alone (SL), Cityscapes of 128 x 256, one label per image.
_base_ = [
    '../_base_/models/segnet.py', '../_base_/datasets/cityscapes_mtpsl.py',
    '../_base_/schedules/adam_200e.py', '../_base_/default_runtime.py'
]

model = dict(
    task_weights=dict(_delete_=True, seg=1.0, depth=1.0),
    heads=dict(seg=dict(num_classes=7), normals=None))
val_cfg = dict(
    # by the released single-task figures of Cityscapes
    selection={
        '_delete_': True,
        'seg/mIoU': 1 / 74.07,
        'depth/abs_err': -1 / .0124
    })
# FiLM's factors learn a tenth as fast as the rest
film_rate = dict(custom_keys={_base_.film: dict(lr_mult=0.1)})
auto_scale_lr = dict(base_batch_size=8)
