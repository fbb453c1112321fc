"""Our losses and errors against the numbers of the released code.

They come from SPEC-MTPSL's reference file, given by MMMULTAS_MTPSL_REFERENCE
or found beside the repository; without it these tests skip.
"""
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmmultas.functional.dense import (angles, balanced_bce, cosine_loss,
                                       depth_errors, depth_loss,
                                       unit_normals, yes_no_counts)

BESIDE = (Path(__file__).resolve().parents[3] /
          'shared/golden/mtpsl_reference_0.npz')
PATH = Path(os.environ.get('MMMULTAS_MTPSL_REFERENCE', BESIDE))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(),
    reason='set MMMULTAS_MTPSL_REFERENCE to the reference values')
TOLERANCE = dict(rtol=1e-4, atol=1e-5)


@pytest.fixture(scope='module')
def ref():
    file = np.load(PATH)
    return lambda key: torch.from_numpy(np.asarray(file[key]))


def _close(ours, theirs):
    torch.testing.assert_close(
        torch.as_tensor(ours).double(), torch.as_tensor(theirs).double(),
        **TOLERANCE)


def _loss(ref, name, pred, truth, function):
    pred = ref(pred).requires_grad_()
    total, count = function(pred, ref(truth))
    (total / count).backward()
    _close((total / count).detach(), ref(f'{name}.loss'))
    return pred


def test_depth(ref):
    pred = _loss(ref, 'depth', 'depth.pred', 'depth.gt', depth_loss)
    _close(pred.grad, ref('depth.grad'))
    each = [depth_loss(p[None], g[None])
            for p, g in zip(pred.detach(), ref('depth.gt'))]
    _close(torch.stack([t / n for t, n in each]), ref('depth.loss_per_image'))
    valid = ref('depth.gt') > 0
    sums = depth_errors(pred.detach()[valid], ref('depth.gt')[valid])
    mean = {k: v / sums['count'] for k, v in sums.items()}
    _close(mean['abs'], ref('depth.l1'))
    _close(mean['square'].sqrt(), ref('depth.rmse'))
    _close(mean['log_square'].sqrt(), ref('depth.log_rmse'))


def test_normals(ref):
    raw = _loss(ref, 'normal', 'normal.raw', 'normal.gt', cosine_loss)
    _close(raw.grad, ref('normal.grad'))
    _close(unit_normals(raw.detach()), ref('normal.pred'))
    each = [cosine_loss(p[None], g[None])
            for p, g in zip(raw.detach(), ref('normal.gt'))]
    _close(torch.stack([t / n for t, n in each]),
           ref('normal.loss_per_image'))
    truth = ref('normal.gt')
    valid = truth.abs().sum(1) > 0
    found = angles(unit_normals(raw.detach()).permute(0, 2, 3, 1)[valid],
                   truth.permute(0, 2, 3, 1)[valid])
    _close(found.mean(), ref('normal.mean'))
    _close(found.quantile(.5), ref('normal.median_mtan'))
    _close(found.square().mean().sqrt(), ref('normal.rmse'))
    for limit in ('11.25', '22.5', '30'):
        _close((found < float(limit)).double().mean() * 100,
               ref(f'normal.{limit}'))


def test_edges_and_saliency(ref):
    _loss(ref, 'edge', 'edge.logits', 'edge.label',
          lambda x, y: balanced_bce(x, y, .95))
    _loss(ref, 'sal', 'sal.logits', 'sal.label',
          lambda x, y: balanced_bce(x, y, 'batch'))


def test_saliency_over_thresholds(ref):
    from mmmultas.evaluation.saliency_metric import (THRESHOLDS,
                                                     saliency_scores)
    _close(torch.tensor(THRESHOLDS), ref('sal.thresholds'))
    counts = torch.stack([
        yes_no_counts(x.sigmoid().flatten(), y.flatten(),
                      torch.tensor(THRESHOLDS))
        for x, y in zip(ref('sal.logits').double(), ref('sal.label'))])
    found = saliency_scores(counts.numpy())
    _close(found['mIoU'] / 100, ref('sal.mIoU'))
    _close(found['maxF'] / 100, ref('sal.maxF'))


def test_an_image_without_a_valid_pixel_gives_zero():
    zero = torch.zeros(1, 1, 4, 4)
    for total, count in (depth_loss(zero + 1, zero),
                         cosine_loss(torch.randn(1, 3, 4, 4),
                                     torch.zeros(1, 3, 4, 4)),
                         balanced_bce(zero, zero + 255)):
        assert total == 0 and count == 0
