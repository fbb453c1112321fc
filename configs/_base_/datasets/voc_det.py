# Detection alone: the same images with boxes, no mask is read.
_base_ = './voc_partial.py'

train_dataloader = dict(seg=None)
val_dataloader = dict(val=dict(dataset=dict(tasks=('det', ))))
test_dataloader = val_dataloader
val_evaluator = dict(seg=None)
test_evaluator = val_evaluator
