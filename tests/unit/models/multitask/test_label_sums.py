import pytest
import torch

from mmmultas.models.multitask.label_sums import LabelSums
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

KINDS = [('seg', ), ('seg', 'depth'), ()]


def _model(**kwargs):
    torch.manual_seed(0)
    cfg = toy_model(('seg', ), **kwargs)
    cfg['heads']['depth'] = dict(type='mmmultas.DenseHead', in_channels=8,
                                 channels=8, num_levels=2)
    return MODELS.build(cfg).eval()


def _losses(**kwargs):
    model = _model(**kwargs)
    batch = toy_batch(KINDS, 3)
    for sample in batch['data_samples'][:1]:  # most of it is unknown
        sample.gt_sem_seg.sem_seg[:, 10:] = 255
    found = model.loss(**model.data_preprocessor(dict(a=batch), True))
    return {k.split('.')[0]: v for k, v in found.items()}


@pytest.fixture(scope='module')
def alone():
    """Losses of each image of 'seg', and of depth."""
    model = _model()
    found = []
    for row in range(2):
        batch = toy_batch(KINDS, 3)
        batch['data_samples'][0].gt_sem_seg.sem_seg[:, 10:] = 255
        part = {k: v[row:row + 1] for k, v in batch.items()}
        found.append(model.loss(**model.data_preprocessor(
            dict(a=part), True)))
    return ([x['seg.loss_ce'] for x in found], found[1]['depth.loss_depth'])


def test_a_mean_over_pixels(alone):
    first, second = alone[0]
    mean = (first * 10 + second * 64) / 74
    torch.testing.assert_close(_losses()['seg'], mean)


def test_a_mean_over_images(alone):
    found = _losses(loss_mean='images')
    torch.testing.assert_close(found['seg'], sum(alone[0]) / 2)
    torch.testing.assert_close(found['depth'], alone[1])


def test_a_mean_over_the_batch(alone):
    found = _losses(loss_mean='batch')
    torch.testing.assert_close(found['seg'], sum(alone[0]) / 3)
    torch.testing.assert_close(found['depth'], alone[1] / 3)


def test_tasks_share_an_image(alone):
    first, second = alone[0]
    found = _losses(loss_mean='batch', share_losses=True)
    torch.testing.assert_close(found['seg'], (first + second / 2) / 3)
    torch.testing.assert_close(found['depth'], alone[1] / 6)


def test_a_task_that_nobody_labels_is_absent():
    model = _model(loss_mean='batch')
    batch = toy_batch([('seg', )], 2)
    found = model.loss(**model.data_preprocessor(dict(a=batch), True))
    assert set(found) == {'seg.loss_ce'}


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match='one of labels, images, batch'):
        LabelSums('pixels')
    with pytest.raises(ConfigError, match='set that to'):
        LabelSums(share=True)
    with pytest.raises(ConfigError, match='which `model.sequential` keeps'):
        _model(loss_mean='batch', sequential=True)
    cfg = toy_model(('seg', ), loss_mean='images')
    cfg['heads']['seg']['auxiliary'] = dict(
        type='FCNHead', in_channels=8, channels=8, in_index=0)
    with pytest.raises(ConfigError, match='auxiliary heads'):
        MODELS.build(cfg)
    cfg = toy_model(loss_mean='images')
    cfg['heads']['det'] = dict(
        type='YOLOXHead', num_classes=2, in_channels=8, feat_channels=8,
        strides=[8, 16])
    MODELS.build(cfg)
    assert not LabelSums().by_image
