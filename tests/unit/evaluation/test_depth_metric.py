import math

import pytest
import torch

from mmmultas.evaluation import DepthMetric


def test_scores_of_depth():
    metric = DepthMetric()
    truth = torch.tensor([[[2., 4., 0.]]])
    row = metric.of_image(torch.tensor([[[3., 4., 9.]]]), truth)
    found = metric.scores(row)
    assert found == pytest.approx(dict(
        abs_err=.5, rel_err=.25, rmse=.5**.5,
        log_rmse=(math.log(1.5)**2 / 2)**.5))
    assert set(found) == set(metric.lower_is_better)


def test_nothing_valid_is_not_a_number():
    metric = DepthMetric()
    row = metric.of_image(torch.ones(1, 2, 2), torch.zeros(1, 2, 2))
    assert all(math.isnan(v) for v in metric.scores(row).values())
