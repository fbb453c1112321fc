"""Values computed with the authors' released code (SPEC 3, 4)."""
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.models.layers import ExpMomentumEMA
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import nn

from mmmultas.engine.schedulers import warmup_cosine
from mmmultas.functional.boxes import (cxcywh_to_xyxy, decode_boxes,
                                       xyxy_to_cxcywh)
from mmmultas.functional.distillation import (balanced_soft_bce,
                                              defeat_terms, feature_mse,
                                              pdf_terms)
from mmmultas.functional.losses import balanced_l1_sum
from mmmultas.functional.matching import match_by_iou
from mmmultas.functional.mutual_guide import (class_qualities,
                                              match_by_quality,
                                              region_qualities)
from mmmultas.models import AnchorGrid, MultiLevelAnchorHead
from mmmultas.models.losses.distillation import (DeFeat, FeatureMSE,
                                                 PDFDistill, SoftDetection)

DEFAULT = (
    Path(__file__).parents[2] /
    '../shared/golden/multas_reference_0.npz').resolve()
PATH = Path(os.environ.get('MMMULTAS_REFERENCE', DEFAULT))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(), reason=f'no reference values at {PATH}')


@pytest.fixture(scope='module')
def ref():
    return np.load(PATH)


def _anchors(ref):
    size = int(ref['size'])
    sizes = [(-(-size // s), -(-size // s)) for s in (8, 16, 32, 64)]
    return AnchorGrid().grid(sizes, torch.device('cpu')), size


def _images(ref):
    return range(sum(key.startswith('gt_') for key in ref.files))


def _gt(ref, image, size):
    gt = torch.from_numpy(ref[f'gt_{image}'])
    return InstanceData(
        bboxes=gt[:, :4] * size, labels=gt[:, 4].long() - 1)


def test_anchors(ref):
    anchors, size = _anchors(ref)
    np.testing.assert_allclose(
        xyxy_to_cxcywh(anchors) / size, ref['priors_cxcywh'], atol=1e-6)


def test_matching_is_exact(ref):
    # on the reference's own anchors, so that no rounding of ours decides
    anchors = cxcywh_to_xyxy(torch.from_numpy(ref['priors_cxcywh']))
    for image in _images(ref):
        gt = _gt(ref, image, 1)
        match = match_by_iou(anchors, gt.bboxes)
        best = torch.from_numpy(ref[f'iou_best_{image}'])
        labels = torch.from_numpy(ref[f'iou_label_{image}']).long()
        torch.testing.assert_close(match.overlap, best, atol=1e-6, rtol=0)
        for low, high in ((0.5, 2.0), (0.4, 0.5), (-1.0, 0.4)):
            zone = (best >= low) & (best < high)
            assert torch.equal(
                (match.overlap >= low) & (match.overlap < high), zone)
        learnt = best >= 0.4
        assert torch.equal(gt.labels[match.gt_index][learnt] + 1,
                           labels[learnt])


def test_balanced_l1(ref):
    pred = torch.from_numpy(ref['bl1_pred'])
    target = torch.from_numpy(ref['bl1_target'])
    mean = balanced_l1_sum(pred, target) / pred.numel()
    np.testing.assert_allclose(mean, ref['bl1_mean'], rtol=1e-4)


@pytest.mark.parametrize('matching, assigner', [
    ('iou', dict(type='mmmultas.IoUMatcher')),
    ('mutual', dict(type='mmmultas.MutualGuideMatcher')),
])
@pytest.mark.parametrize('name, loss', [
    ('focal', dict(type='mmmultas.FocalLoss')),
    ('qfl', dict(type='mmmultas.QualityFocalLoss')),
])
def test_losses_of_the_head(ref, name, loss, matching, assigner):
    size = int(ref['size'])
    conf = torch.from_numpy(ref['conf']).float()
    loc = torch.from_numpy(ref['loc']).float()
    head = MultiLevelAnchorHead(
        conf.shape[-1], in_channels=8, stacked_convs=0, loss_cls=loss,
        assigner=assigner)
    # the reference's own anchors in its own unit, the side of the image: two
    # anchors can tie for a box, and no rounding of ours may decide
    anchors = cxcywh_to_xyxy(torch.from_numpy(ref['priors_cxcywh']))
    head.anchors.grid = lambda sizes, device: anchors
    gts = [_gt(ref, image, 1) for image in _images(ref)]
    sums = head.loss_by_feat(
        _levels(conf, size), _levels(loc, size), gts)
    for ours, theirs in (('loss_bbox', 'loss_loc'), ('loss_cls', 'loss_cls')):
        np.testing.assert_allclose(
            sums[ours].mean(), ref[f'{theirs}_{matching}_{name}'], rtol=1e-4)


def _levels(flat, size):
    """Undo the head's flattening: (N, A, C) to levels (N, 6 C, H, W)."""
    levels, start = [], 0
    for stride in (8, 16, 32, 64):
        side = -(-size // stride)
        stop = start + side * side * 6
        part = flat[:, start:stop].reshape(len(flat), side, side, -1)
        levels.append(part.permute(0, 3, 1, 2))
        start = stop
    return levels


def test_learning_rate(ref):
    for step, value in zip(ref['lr_iters'], ref['lr_values']):
        factor = warmup_cosine(int(step), 1000, 500, 0.1, 0.1)
        np.testing.assert_allclose(5e-3 * factor, value, rtol=1e-6)


def test_ema_decay(ref):
    """What MMEngine's EMA is configured to, from the second update on."""
    for step, decay in zip(ref['ema_updates'], ref['ema_decay']):
        model = nn.Linear(1, 1, bias=False)
        ema = ExpMomentumEMA(model, momentum=2e-4, gamma=2000)
        nn.init.zeros_(ema.module.weight)
        nn.init.ones_(model.weight)
        ema.steps.fill_(int(step) - 1)
        if step == 1:
            continue  # MMEngine copies the model at its first update
        ema.update_parameters(model)
        np.testing.assert_allclose(
            1 - ema.module.weight.item(), decay, rtol=1e-4)


def test_mutual_guidance(ref):
    anchors = cxcywh_to_xyxy(torch.from_numpy(ref['priors_cxcywh']))
    for image in _images(ref):
        gt = _gt(ref, image, 1)
        loc = torch.from_numpy(ref['loc'][image]).float()
        conf = torch.from_numpy(ref['conf'][image]).float()
        cls = match_by_quality(
            class_qualities(decode_boxes(anchors, loc), gt.bboxes))
        reg = match_by_quality(
            region_qualities(anchors, conf, gt.bboxes, gt.labels))
        for match, kind in ((cls, 'cls'), (reg, 'reg')):
            positive = torch.from_numpy(ref[f'mg_{kind}_pos_{image}'])
            assert torch.equal(match.positive, positive)
            np.testing.assert_allclose(
                match.quality, ref[f'mg_{kind}_quality_{image}'], atol=1e-6)
        labels = torch.from_numpy(ref[f'mg_cls_label_{image}']).long()
        found = cls.positive
        assert torch.equal(gt.labels[cls.gt_index][found] + 1, labels[found])
        found = reg.positive
        np.testing.assert_allclose(
            gt.bboxes[reg.gt_index][found],
            ref[f'mg_reg_gt_{image}'][found], atol=1e-6)


def test_distillation(ref):
    fs, ft, cs, ct, ls, lt = (
        torch.from_numpy(ref[f'kd_{name}']).float()
        for name in ('fs', 'ft', 'cs', 'ct', 'ls', 'lt'))
    pdf = pdf_terms(fs, ft, cs, ct, ls, lt)
    mask = torch.from_numpy(ref['kd_mask']) > 0
    values = dict(
        mse_loss_kd=5 * feature_mse(fs, ft),
        pdf_loss_kd=5 * pdf['feature'] + pdf['cls'] + pdf['box'],
        soft_loss_l=balanced_l1_sum(ls, lt) / ls.numel(),
        soft_loss_c=5e3 * balanced_soft_bce(cs, ct))
    values.update(zip(('defeat_fg', 'defeat_bg'), defeat_terms(fs, ft, mask)))
    for name, value in values.items():
        np.testing.assert_allclose(
            value, np.squeeze(ref[f'kd_{name}']), rtol=1e-4, err_msg=name)


def _pyramid(flat, places=1):
    """Cut (B, 85 n, C) into levels (B, n C, side, side), 8 to 1."""
    levels, start = [], 0
    for side in (8, 4, 2, 1):
        stop = start + side * side * places
        part = flat[:, start:stop].reshape(len(flat), side, side, -1)
        levels.append(part.permute(0, 3, 1, 2))
        start = stop
    assert start == flat.shape[1]
    return levels


def _box_samples(mask, size):
    """Samples whose boxes hold the centres of a mask's places alone."""
    steps = [size / side for side in (8, 4, 2, 1) for _ in range(side**2)]
    places = [(x, y) for side in (8, 4, 2, 1) for y in range(side)
              for x in range(side)]
    samples = []
    for row in mask:
        centres = torch.tensor([[(x + 0.5) * step, (y + 0.5) * step]
                                for found, step, (x, y) in zip(
                                    row, steps, places) if found])
        sample = DetDataSample(
            metainfo=dict(batch_input_shape=(size, size), tasks=('det', )))
        sample.gt_instances = InstanceData(
            bboxes=torch.cat([centres - 1, centres + 1], 1))
        samples.append(sample)
    return samples


@pytest.mark.parametrize('per_channel', [False, True])
def test_distillation_modules(ref, per_channel):
    fs, ft, cs, ct, ls, lt = (
        torch.from_numpy(ref[f'kd_{name}']).float()
        for name in ('fs', 'ft', 'cs', 'ct', 'ls', 'lt'))
    feats = _pyramid(fs), _pyramid(ft)
    outputs = [(_pyramid(c, 6), _pyramid(b, 6))
               for c, b in ((cs, ls), (ct, lt))]
    samples = _box_samples(ref['kd_mask'] > 0, 512)
    mse = FeatureMSE(weight=5)
    pdf = PDFDistill()(*feats, *outputs)
    soft = SoftDetection()(*outputs)
    defeat = DeFeat(per_channel=per_channel)(*feats, samples)
    scale = fs.shape[-1] if per_channel else 1
    values = dict(
        mse_loss_kd=mse.factor(0) * mse(*feats)[''].mean(),
        pdf_loss_kd=sum(term.mean() for term in pdf.values()),
        soft_loss_l=soft['_box'].mean(),
        soft_loss_c=soft['_cls'].mean(),
        defeat_fg=scale * defeat['_fg'].mean(),
        defeat_bg=scale * defeat['_bg'].mean())
    for name, value in values.items():
        np.testing.assert_allclose(
            value, np.squeeze(ref[f'kd_{name}']), rtol=1e-4, err_msg=name)
