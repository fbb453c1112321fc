# Drawn rooms as in `scenes_dense.py`, with edges as a fourth label.
_base_ = './scenes_dense.py'

tasks = ('seg', 'depth', 'normals', 'edges')
# of the masks that a regime of four tasks keeps
class_weight = [0.1, 0.1, 1.0, 1.6, 1.1]
edges = dict(root=f'{_base_.data_root}/edges')

train_dataloader = dict(
    train=dict(dataset=dict(tasks=tasks, labels=dict(edges=edges))))
val_dataloader = dict(
    val=dict(dataset=dict(tasks=tasks, labels=dict(edges=edges))))
test_dataloader = val_dataloader

val_evaluator = dict(
    edges=dict(type='mmmultas.EdgeMetric', num_thresholds=19))
test_evaluator = val_evaluator
