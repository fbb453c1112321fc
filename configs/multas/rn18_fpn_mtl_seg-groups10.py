_base_ = './rn18_fpn_mtl.py'

label_map = dict(seg='groups10')
model = dict(heads=dict(seg=dict(num_classes=11)))
train_dataloader = dict(seg=dict(dataset=dict(label_map=label_map)))
val_dataloader = dict(val=dict(dataset=dict(label_map=label_map)))
test_dataloader = val_dataloader
