import pytest
import torch

from mmmultas.evaluation import SaliencyMetric


def test_the_best_threshold_counts():
    metric = SaliencyMetric()
    truth = torch.tensor([[[1, 1, 0, 255]]])
    sample = dict(pred_saliency=dict(data=torch.tensor([[[.8, .4, .3, .9]]])),
                  gt_saliency=dict(data=truth))
    metric.process(None, [sample])
    found = metric.compute_metrics(metric.results)
    assert found == pytest.approx(dict(mIoU=100, maxF=100))
    # an image without anything salient, and nothing found
    empty = dict(pred_saliency=dict(data=torch.full((1, 1, 4), .1)),
                 gt_saliency=dict(data=torch.zeros(1, 1, 4)))
    metric.process(None, [empty])
    assert metric.compute_metrics(metric.results)['mIoU'] == 100
    empty['pred_saliency']['data'] += .5
    metric.process(None, [empty])
    found = metric.compute_metrics(metric.results)
    assert found['mIoU'] < 100


def test_an_image_that_nobody_knows_is_not_judged():
    metric = SaliencyMetric()
    unknown = dict(pred_saliency=dict(data=torch.zeros(1, 1, 4)),
                   gt_saliency=dict(data=torch.full((1, 1, 4), 255)))
    metric.process(None, [unknown])
    found = metric.compute_metrics(metric.results)
    assert all(value != value for value in found.values())
    wrong = dict(pred_saliency=dict(data=torch.zeros(1, 1, 4)),
                 gt_saliency=dict(data=torch.ones(1, 1, 4)))
    metric.process(None, [wrong])
    assert metric.compute_metrics(metric.results)['mIoU'] == 0
