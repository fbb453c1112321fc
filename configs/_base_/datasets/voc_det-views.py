# Detection alone in [P2]'s batches: 10 images, two views of each.
_base_ = './voc_det.py'

batch_size = 10

train_dataloader = dict(det=dict(batch_size=batch_size, double_aug=True))
