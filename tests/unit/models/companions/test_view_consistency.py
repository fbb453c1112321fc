import numpy as np
import pytest
import torch

from mmmultas.datasets.transforms import PackInputs, SecondView, ZoomCrop
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .test_cross_task import ONE, TASKS, built, data, losses, segnet

CFG = dict(type='mmmultas.ViewConsistency')


@pytest.mark.parametrize('alike', [True, False])
def test_a_network_that_sees_mirror_images_alike_has_no_loss(alike):
    """The toy's second view is the mirror image."""
    model = built(dict(CFG, tasks=('normals', )))
    maps = torch.rand(2, 3, 64, 64)
    sign = torch.tensor([-1. if alike else 1., 1, 1]).reshape(1, 3, 1, 1)
    model.heads['normals'].forward = lambda feats: torch.cat(
        [maps, maps.flip(-1) * sign])
    found = losses(model, data(model, [()], 2))['xtc.loss_views']
    assert found < 1e-8 if alike else found > .1


def test_value():
    model = built(dict(CFG, weight=2.)).eval()
    batch = data(model, [('depth', )], 1)
    found = losses(model, batch)['xtc.loss_views']
    feats = model.encode(batch['inputs']['a'])
    seg = model.heads['seg'](feats).softmax(1)
    normals = torch.nn.functional.normalize(model.heads['normals'](feats),
                                            dim=1)
    other = normals[0].flip(-1) * torch.tensor([-1., 1, 1])[:, None, None]
    want = ((seg[1] - seg[0].flip(-1)).square().mean()
            + (normals[1] - other).square().mean())
    torch.testing.assert_close(found, want)  # times 2, over two tasks


def test_the_first_view_is_held_fixed():
    model = built(CFG)
    batch = data(model, [('depth', 'normals')], 1)
    heads = model.heads['seg']
    seen = []
    forward = heads.forward
    heads.forward = lambda feats: seen.append(forward(feats)) or seen[-1]
    found = losses(model, batch)['xtc.loss_views']
    grad, = torch.autograd.grad(found, seen[0])
    assert grad[0].abs().sum() == 0 and grad[1].abs().sum() > 0


def test_depth_of_a_part_that_is_enlarged():
    model = built(CFG)
    task = model.tasks['depth']
    first = torch.full((1, 1, 8, 8), 3.)
    matrix = torch.tensor([[[2., 0, -4], [0, 2, -4], [0, 0, 1]]])
    for nearer, want in ((2., 1.5), (.5, 6.), (1., 3.)):
        target, seen = model.companions['xtc']._target(task, first, matrix,
                                                       [nearer])
        assert seen.all() and (target == want).all()


def test_every_cut_that_changes_depth_says_so():
    view = SecondView([dict(type='mmmultas.CropExpand'),
                       dict(type='mmmultas.Squash', size=64)])
    changed = 0
    for _ in range(20):
        packed = PackInputs()(view(dict(
            img=np.zeros((64, 64, 3), np.uint8), tasks=('depth', ),
            gt_depth=np.ones((64, 64), np.float32))))['data_samples']
        nearer = packed.second_view.metainfo['nearer']
        torch.testing.assert_close(
            packed.second_view.gt_depth.data.max(), torch.tensor(1 / nearer))
        changed += nearer != 1
    assert changed


@pytest.mark.parametrize('depth', ['divide', 'multiply'])
def test_a_second_view_says_what_became_of_depth(depth):
    view = SecondView([dict(type='mmmultas.ZoomCrop', scales=(1.5, ),
                            depth=depth)])
    results = ZoomCrop(scales=(2., ))(dict(
        img=np.zeros((64, 64, 3), np.uint8), tasks=('depth', ),
        gt_depth=np.ones((64, 64), np.float32)))
    packed = PackInputs()(view(results))['data_samples']
    nearer = packed.second_view.metainfo['nearer']
    assert nearer == pytest.approx(1.5 if depth == 'divide' else 1 / 1.5)
    torch.testing.assert_close(
        packed.second_view.gt_depth.data.max(),
        packed.gt_depth.data.max() / nearer)


def test_what_does_not_fit():
    one = built(CFG).companions['xtc']
    assert one.mute_losses([TASKS]) and not one.mute_losses(ONE)
    assert one.terms(None) == [('xtc', 'loss_views')]
    for cfg, message in ((dict(tasks=('zebra', )), 'there are seg'),
                         (dict(tasks=('seg', 'seg')), 'a task twice'),
                         (dict(tasks=()), 'leave the companion out'),
                         (dict(weight=0), 'is 0')):
        with pytest.raises(ConfigError, match=message):
            built(dict(CFG, **cfg))
    model = built(CFG)
    assert losses(model, data(model, [TASKS], 1)) == {}
    assert MODELS.build(segnet(('seg', ), xtc=CFG))
