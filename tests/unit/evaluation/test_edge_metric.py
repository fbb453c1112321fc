import pytest
import torch

from mmmultas.evaluation import EdgeMetric
from mmmultas.utils.errors import ConfigError


def sample(prediction, truth):
    return dict(pred_edges=dict(data=prediction), gt_edges=dict(data=truth))


def line(row, value=1.0):
    out = torch.zeros(1, 40, 40)
    out[0, row] = value
    return out


def test_one_threshold_for_all_and_one_for_each():
    metric = EdgeMetric(max_dist=.03)
    noise = torch.zeros(1, 40, 40)
    noise[0, ::8, ::8] = .5
    truth = line(20).long()
    # found beside the line: within the distance
    metric.process(None, [sample(line(21, .9).maximum(noise), truth)])
    assert metric.compute_metrics(metric.results)['odsF'] == pytest.approx(
        100)
    # of a second image only the faint line is right
    metric.process(None, [sample(line(21, .3), truth)])
    found = metric.compute_metrics(metric.results)
    assert found['oisF'] == pytest.approx(100)
    assert 66 < found['odsF'] < 100
    assert 1 <= found['threshold'] <= 90


def test_far_away_is_wrong():
    metric = EdgeMetric(max_dist=.03)
    metric.process(None, [sample(line(30), line(20).long())])
    assert metric.compute_metrics(metric.results)['odsF'] == 0


def test_errors():
    for wrong in (dict(max_dist=0), dict(num_thresholds=0)):
        with pytest.raises(ConfigError, match='EdgeMetric wants'):
            EdgeMetric(**wrong)
