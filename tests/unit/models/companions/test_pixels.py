from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from torch import nn

from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.models.companions.pixels import (cell_colours, cell_grid,
                                               cell_scores, refuse_sigmoids,
                                               seen_cells)
from mmmultas.utils.errors import ConfigError


@pytest.mark.parametrize('size', [(32, 48), (30, 50), (33, 47)])
def test_cells_of_a_nearest_head_are_its_scores(size):
    grid = tuple(-(-side // 4) for side in size)
    scores = torch.randn(2, 3, *grid)
    rows, columns = cell_grid(size)
    expected = scores[..., :rows, :columns]
    full = F.interpolate(scores, scale_factor=4)  # reaches beyond the image
    for given in (full, full[..., :size[0], :size[1]], scores, [full, 0]):
        assert torch.equal(cell_scores(given, size, 3, 'k'), expected)


def test_coarser_scores_are_interpolated():
    scores = torch.zeros(1, 2, 4, 4)
    scores[..., 2:, :] = 1
    found = cell_scores(scores, (32, 32), 2, 'k')
    assert found.shape == (1, 2, 8, 8)
    assert found[0, 0, :, 0].tolist() == [0, 0, 0, .25, .75, 1, 1, 1]


@pytest.mark.parametrize('outputs', [
    torch.zeros(1, 1, 8, 8), torch.zeros(1, 3), (), dict(a=1)])
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ConfigError, match='heads.seg` gives .* 3 classes'):
        cell_scores(outputs, (8, 8), 3, 'model.heads.seg')


def test_what_shows_the_picture():
    sample = DetDataSample(metainfo=dict(img_shape=(20, 12)))
    seen = seen_cells(sample, (8, 8), 'cpu')
    assert seen.nonzero().amax(0).tolist() == [4, 2] and seen[:5, :3].all()
    sample.set_metainfo(dict(visible=(4., 0., 99., 9.)))
    assert seen_cells(sample, (8, 8), 'cpu').nonzero().tolist() == [
        [0, 1], [0, 2], [1, 1], [1, 2]]


def test_colours_are_those_of_the_picture():
    pre = MultiTaskDataPreprocessor()
    red = torch.zeros(3, 8, 8, dtype=torch.uint8)
    red[2] = 255  # BGR
    inputs = pre(dict(inputs=[red], data_samples=None))['inputs']
    lab = cell_colours(inputs, pre)
    assert lab.shape == (1, 3, 2, 2)
    torch.testing.assert_close(lab[0, :, 0, 0],
                               torch.tensor([53.24, 80.09, 67.20]),
                               rtol=1e-3, atol=.05)
    plain = MultiTaskDataPreprocessor(bgr_to_rgb=False)
    inputs = plain(dict(inputs=[red], data_samples=None))['inputs']
    torch.testing.assert_close(cell_colours(inputs, plain), lab,
                               rtol=1e-3, atol=.05)


def test_heads_that_judge_each_class_for_itself():
    sigmoid, softmax = nn.Identity(), nn.Identity()
    sigmoid.use_sigmoid, softmax.use_sigmoid = True, False
    for losses in (None, softmax, nn.ModuleList([softmax]), [nn.Identity()],
                   nn.ModuleList([softmax, sigmoid])):  # such as a dice beside
        refuse_sigmoids(SimpleNamespace(loss_decode=losses), 'h', 'k')
    for losses in (sigmoid, nn.ModuleList([sigmoid])):
        with pytest.raises(ConfigError, match='`h.loss_decode` has use_sigmoi'
                                              'd=True.*`k` needs'):
            refuse_sigmoids(SimpleNamespace(loss_decode=losses), 'h', 'k')
