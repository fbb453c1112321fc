"""Updates in which no image has an object (docs/config.md)."""
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model

STOCK = dict(
    type='RetinaHead', num_classes=2, in_channels=8, feat_channels=8,
    stacked_convs=1,
    anchor_generator=dict(
        type='AnchorGenerator', octave_base_scale=2, scales_per_octave=2,
        ratios=[.5, 1., 2.], strides=[8, 16]),
    train_cfg=dict(
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=.5,
                      neg_iou_thr=.4, min_pos_iou=0),
        sampler=dict(type='PseudoSampler'), allowed_border=-1,
        pos_weight=-1))


def gradient(model, boxes, seed):
    """Norm of the gradient of one update of four images."""
    batch = toy_batch(('det', ), count=4, seed=seed)
    for sample in batch['data_samples']:
        if not boxes:
            sample.gt_instances = sample.gt_instances[:0]
    model.zero_grad()
    data = model.data_preprocessor(dict(det=batch), True)
    losses = model(**data, mode='loss')
    loss, logs = model.parse_losses(losses)
    loss.backward()
    return torch.stack([p.grad.norm() for p in model.parameters()
                        if p.grad is not None]).norm().item(), logs


@pytest.mark.parametrize('head', [None, STOCK])
@pytest.mark.parametrize('updates', [0, 30])
def test_move_the_network_no_more_than_others(head, updates):
    """At initialisation, and after some updates with objects."""
    torch.manual_seed(0)
    cfg = toy_model(('det', ))
    if head:
        cfg['heads']['det'] = head
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg)
    model.init_weights()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=.01, momentum=.9)
    for seed in range(updates):
        gradient(model, True, seed)
        optimizer.step()
    ordinary = [gradient(model, True, 100 + seed)[0] for seed in range(8)]
    empty = [gradient(model, False, 100 + seed) for seed in range(8)]
    assert max(norm for norm, _ in empty) <= sum(ordinary) / 8
    # they teach that there is nothing, and no box
    assert all(norm > 0 for norm, _ in empty)
    assert all(float(logs['det.loss_bbox']) == 0 for _, logs in empty)
