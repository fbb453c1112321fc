import pytest
import torch

from mmmultas.evaluation import DepthMetric, MapMetric
from mmmultas.utils.errors import ConfigError


def sample(prediction, truth, kind='depth'):
    return {f'pred_{kind}': dict(data=prediction), 'img_path': 'a.png',
            f'gt_{kind}': dict(data=truth)}


def test_errors():
    metric = DepthMetric()
    ones = torch.ones(1, 2, 2)
    with pytest.raises(ConfigError, match=r'\(2, 2\) pixels for a.png, not'):
        metric.process(None, [sample(torch.ones(1, 3, 2), ones)])
    with pytest.raises(ConfigError, match='no `pred_depth` in a.png'):
        metric.process(None, [dict(img_path='a.png', gt_depth=dict(
            data=ones))])
    with pytest.raises(NotImplementedError):
        MapMetric().of_image(ones, ones)
    with pytest.raises(NotImplementedError):
        MapMetric().scores(ones.numpy())


def test_images_pool_by_pixels():
    metric = DepthMetric()
    truth = torch.zeros(1, 2, 2)
    truth[0, 0, 0] = 1
    metric.process(None, [sample(truth + 1, truth),
                          sample(torch.ones(1, 2, 2), torch.ones(1, 2, 2))])
    # one pixel wrong by one, four right
    found = metric.compute_metrics(metric.results)
    assert found['abs_err'] == pytest.approx(.2)
