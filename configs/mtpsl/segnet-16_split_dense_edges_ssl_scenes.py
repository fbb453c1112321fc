# Labels, and two views that get one prediction (SSL).
_base_ = './segnet-16_split_dense_edges_scenes.py'

model = dict(companions=dict(xtc=dict(type='mmmultas.ViewConsistency')))
train_dataloader = dict(
    train=dict(dataset=dict(pipeline=_base_.views_pipeline)))
