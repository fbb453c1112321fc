# [P2] Table 6: half of the boxes and all masks of the partial data; quality
# focal loss, two views of each image.
_base_ = [
    '../_base_/models/rn18_fpn.py', '../_base_/datasets/voc_partial.py',
    '../_base_/schedules/sgd_70e.py', '../_base_/default_runtime.py'
]

model = dict(
    heads=dict(
        det=dict(
            loss_cls=dict(_delete_=True, type='mmmultas.QualityFocalLoss'))))
train_dataloader = dict(
    det=dict(batch_size=10, double_aug=True, dataset=dict(fraction=0.5)),
    seg=dict(batch_size=10, double_aug=True))
auto_scale_lr = dict(base_batch_size=20)
