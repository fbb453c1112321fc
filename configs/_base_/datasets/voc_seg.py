# Segmentation alone: the same images with masks, no box is read.
_base_ = './voc_partial.py'

train_dataloader = dict(det=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('seg', ))))
test_dataloader = val_dataloader
val_evaluator = dict(det=None)
test_evaluator = val_evaluator
