import pytest
import torch

from mmmultas.models.companions import Update
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .test_cross_task import TASKS, WIDTHS, built, data, losses, segnet, xtc


def _pairs(model, batch):
    update = Update(model, batch['inputs'], batch['data_samples'], {})
    return model.companions['xtc'].image_pairs(update)


def test_chosen_pairs():
    model = built(pairs=[('seg', 'depth'), ('depth', 'seg')])
    found = _pairs(model, data(model))
    assert [(p.source, p.target) for p in found] == [
        ('depth', 'seg'), ('seg', 'depth')]
    # of three images, one is of normals alone
    assert [p.row for p in found] == [3, 4]
    assert model.companions['xtc'].needs_second_view


def test_a_drawn_pair_counts_for_all():
    model = built(num_pairs=1)
    batch = data(model, count=6)
    found = _pairs(model, batch)
    assert len(found) == 6 and {p.weight for p in found} == {2.}
    assert _pairs(model, batch) == found
    drawn = set()
    for update in range(20):
        model.set_update(update)
        drawn.add(_pairs(model, batch)[0].source)
    assert drawn == {'depth', 'normals'}
    assert losses(model, batch)


def test_the_same_data_elsewhere_draw_the_same():
    one = built().companions['xtc']
    samples = data(built(), count=2)['data_samples']['a']

    def seed(sample, **meta):
        sample.set_metainfo(meta)
        return one._seed(sample, 'x')

    here, moved, other = (seed(samples[0], img_id=i, img_path=p) for i, p in (
        ('1', '/a/1.jpg'), ('1', '/b/c/1.jpg'), ('2', '/a/1.jpg')))
    assert here == moved != other
    # where the path is all that is known
    assert len({seed(samples[1], img_id=p, img_path=p)
                for p in ('/a/1.jpg', '/b/1.jpg', '/b/2.jpg')}) == 2


def test_a_label_that_is_known_in_part_takes_no_part():
    model = built()
    batch = data(model, [('seg', 'depth')], 1)
    for sample in batch['data_samples']['a']:
        sample.set_metainfo(dict(annotated=dict(seg=(1, ))))
    assert [(p.source, p.target) for p in _pairs(model, batch)] == [
        ('normals', 'depth')]


@pytest.mark.parametrize('cfg, message', [
    (dict(tasks='seg'), 'tasks` is a list such as'),
    (dict(pairs=5), 'pairs` is a list such as')])
def test_no_lists(cfg, message):
    with pytest.raises(ConfigError, match=message):
        built(dict(type='mmmultas.CrossTaskContrast', mapping=dict(
            type='mmmultas.SegNetMapping', widths=WIDTHS), **cfg))


def test_what_is_silent():
    one = built().companions['xtc']
    assert one.mute_losses([('seg', ), TASKS]) == {}
    (key, why), = one.mute_losses([TASKS]).items()
    assert key == 'model.companions.xtc' and 'full=True' in why
    (_, why), = one.mute_losses([(), ('det', )]).items()
    assert 'add such labels' in why
    assert built(full=True).companions['xtc'].mute_losses([TASKS]) == {}


def test_boxes_are_not_compared_unasked():
    one = built().companions['xtc']
    assert one.tasks == TASKS
    assert one.channels == dict(seg=3, depth=1, normals=3)


def test_heads_that_cannot_be_asked():
    cfg = segnet(xtc=xtc())
    cfg['heads']['seg'] = dict(
        type='FCNHead', in_channels=4, channels=4, num_classes=2,
        out_channels=1, in_index=0)
    with pytest.raises(ConfigError, match='`out_channels` to `num_classes`'):
        MODELS.build(cfg)


def test_images_without_pairs_count():
    """Losses are means over all images, with and without pairs."""
    model = built().eval()
    one, more = (data(model, tasks, 2) for tasks in (
        [('seg', )], [('seg', ), ()]))
    apart = losses(model, one), losses(model, more)
    first = losses(model, data(model, [('seg', )], 1))
    torch.testing.assert_close(apart[1]['xtc.loss_ct'] * 2,
                               first['xtc.loss_ct'])
