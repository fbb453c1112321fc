import pytest
import torch
from torch import nn

from mmmultas.models.losses import LossSum
from mmmultas.models.tasks import DetectionTask, Read, Task, pooled
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


def _reads(*values):
    samples = toy_batch(('det', ), len(values))['data_samples']
    return [(Read((torch.full((1, 1, 2, 2), float(v)), )), [s])
            for v, s in zip(values, samples)]


def _losses(head, *reads):
    task = DetectionTask({})
    return pooled(task.losses(head, *read) for read in reads)


def test_sums_are_pooled_over_groups():
    terms = _losses(SumHead(), *_reads(1, 5))
    assert terms['loss_x'].count == 8 and terms['loss_x'].mean() == 3


def test_a_term_that_nobody_counts():
    head = SumHead()
    head.loss_terms = ('loss_y', )
    with pytest.raises(ConfigError, match="'loss_x', which its `loss_terms`"):
        _losses(head, *_reads(1))


def test_means_of_a_stock_head_count_with_their_samples():
    (first, sample), second = _reads(1, 4)
    joined = Read((torch.cat([first.inputs[0]] * 3), ))
    terms = _losses(StockHead(), (joined, sample * 3), second)
    # list entries add up: 3 x mean; three samples against one
    assert terms['loss_x'].mean() == pytest.approx((3 * 3 + 1 * 12) / 4)
    assert set(terms) == {'loss_x'}


def test_a_label_that_was_not_loaded_names_the_image():
    sample = toy_batch(('det', ), 1)['data_samples'][0]
    del sample.gt_instances
    with pytest.raises(ConfigError, match='toy/0.*gt_instances'):
        DetectionTask({}).checked(sample)


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
    read, samples = _reads(1)[0]
    with torch.autocast('cpu', torch.bfloat16):
        assert head.conv(read.inputs[0]).dtype == torch.bfloat16
        _losses(head, (read, samples))
        DetectionTask({}).predict(head, read, samples)
    full = (torch.float32, torch.float32)
    assert head.seen == dict(loss=full, predict=full)
    assert not {'loss_by_feat', 'predict_by_feat'} & set(vars(head))


class OutputHead(SumHead):
    """Says sums of its outputs, too: twice its features."""

    def loss_sums_by_feat(self, outputs, samples):
        return dict(loss_x=LossSum(
            outputs.sum(), torch.tensor(float(outputs.numel()))))


def test_outputs_that_others_asked_for_are_not_computed_again():
    read, samples = _reads(3)[0]
    shared = Read(read.inputs, 2 * read.inputs[0])
    assert _losses(OutputHead(), (read, samples))['loss_x'].mean() == 3
    assert _losses(OutputHead(), (shared, samples))['loss_x'].mean() == 6
    # a head that cannot be asked in two steps is asked as before
    assert _losses(SumHead(), (shared, samples))['loss_x'].mean() == 3


def test_rows_of_what_was_read():
    read = Read((torch.arange(3.), torch.arange(3.)), [torch.arange(3.)])
    some = read.take([0, 2], 3)
    assert [x.tolist() for x in some.inputs] == [[0, 2]] * 2
    assert some.outputs[0].tolist() == [0, 2]
    assert read.take(range(3), 3).inputs[0] is read.inputs[0]
    assert Read(read.inputs).take([1], 3).outputs is None


def test_a_second_detector_reads_boxes_of_its_own():
    sample = toy_batch(('det', ), 1)['data_samples'][0]
    sample.gt_cars = sample.gt_instances[:0]
    seen = []

    class Head(SumHead):

        def loss_sums(self, feats, samples):
            seen.append(samples[0])
            return super().loss_sums(feats, samples)

    task = DetectionTask({}, 'cars')
    task.losses(Head(), _reads(1)[0][0], [sample])
    assert len(seen[0].gt_instances) == 0 and len(sample.gt_instances)
    assert seen[0].metainfo['tasks'] == ()
    del sample.gt_cars
    with pytest.raises(ConfigError, match="toy/0.*'cars'.*no `gt_cars`"):
        task.checked(task.view(sample))
