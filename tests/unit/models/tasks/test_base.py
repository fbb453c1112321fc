import pytest
import torch
from torch import nn

from mmmultas.models.losses import LossSum
from mmmultas.models.tasks import DetectionTask, Group, Task
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError


class SumHead(nn.Module):
    """Says sums: the mean of its features."""
    loss_terms = ('loss_x', )

    def loss_sums(self, feats, samples):
        x = feats[0]
        return dict(loss_x=LossSum(x.sum(), torch.tensor(float(x.numel()))))


class StockHead(nn.Module):
    """Says means and a statistic, as mmdet's and mmseg's heads do."""

    def loss(self, feats, samples):
        return dict(loss_x=[feats[0].mean(), feats[0].mean() * 2], acc=1)


def _groups(*values):
    samples = toy_batch(('det', ), len(values))['data_samples']
    return [
        Group((torch.full((1, 1, 2, 2), float(v)), ), [s])
        for v, s in zip(values, samples)
    ]


def test_sums_are_pooled_over_groups():
    terms = DetectionTask({}).loss_sums(SumHead(), _groups(1, 5))
    assert terms['loss_x'].count == 8 and terms['loss_x'].mean() == 3


def test_a_term_that_nobody_counts():
    head = SumHead()
    head.loss_terms = ('loss_y', )
    with pytest.raises(ConfigError, match="'loss_x', which its `loss_terms`"):
        DetectionTask({}).loss_sums(head, _groups(1))


def test_means_of_a_stock_head_count_with_their_samples():
    first, second = _groups(1, 4)
    joined = Group((torch.cat([first.feats[0]] * 3), ), first.samples * 3)
    terms = DetectionTask({}).loss_sums(StockHead(), [joined, second])
    # list entries add up: 3 x mean; three samples against one
    assert terms['loss_x'].mean() == pytest.approx((3 * 3 + 1 * 12) / 4)
    assert set(terms) == {'loss_x'}


def test_a_label_that_was_not_loaded_names_the_image():
    sample = toy_batch(('det', ), 1)['data_samples'][0]
    del sample.gt_instances
    with pytest.raises(ConfigError, match='toy/0.*gt_instances'):
        DetectionTask.checked(sample, 'gt_instances', 'det')


def test_a_task_that_cannot_join_two_views_says_so():

    class DepthTask(DetectionTask):
        check_flip = Task.check_flip

    with pytest.raises(ConfigError, match='StockHead.*DepthTask'):
        DepthTask({}).check_flip(StockHead())


class HeadByFeat(nn.Module):
    """A stock head's way: outputs, then losses or predictions of them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.seen = {}

    def loss(self, feats, samples):
        return self.loss_by_feat([self.conv(feats[0])], samples)

    def predict(self, feats, samples, rescale):
        return self.predict_by_feat([self.conv(feats[0])], rescale=rescale)

    def loss_by_feat(self, outputs, samples):
        self.seen['loss'] = outputs[0].dtype, self.conv(outputs[0]).dtype
        return dict(loss_x=outputs[0].mean())

    def predict_by_feat(self, outputs, rescale):
        self.seen['predict'] = outputs[0].dtype, self.conv(outputs[0]).dtype
        return []


def test_a_stock_heads_losses_and_boxes_are_in_full_precision():
    head = HeadByFeat()
    task, group = DetectionTask({}), _groups(1)[0]
    with torch.autocast('cpu', torch.bfloat16):
        assert head.conv(group.feats[0]).dtype == torch.bfloat16
        task.loss_sums(head, [group])
        task.predict(head, group)
    full = (torch.float32, torch.float32)
    assert head.seen == dict(loss=full, predict=full)
    assert not {'loss_by_feat', 'predict_by_feat'} & set(vars(head))
