import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from mmmultas.models.companions.contrast import _places
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError

from .test_cross_task import ONE, WIDTHS, _update, built, data, losses

MAPPING = dict(type='mmmultas.SegNetMapping', widths=WIDTHS)


def _cfg(name, **kwargs):
    return dict(type=f'mmmultas.{name}', mapping=MAPPING, **kwargs)


def _embeddings(model, batch):
    """Sources and targets of the companion, and who meets whom."""
    one = model.companions['xtc']
    update = _update(model, batch)
    feats = model.extract_feats(update.inputs)
    asked = one.needs(update)
    update.outputs = model.run_heads(feats, asked.rows, asked.taps)
    pairs = one.image_pairs(update)
    sources = one._sources(update, pairs)
    return one.embed(update, pairs, sources), pairs, sources, _places(
        pairs, sources)


def test_whom_a_label_meets():
    model = built(_cfg('CrossTaskContrast'))
    (source, target), pairs, sources, places = _embeddings(model, data(model))
    assert len(target) == len(pairs) == 6
    assert len(source) == len(sources) == 18 and places.shape == (6, 3)
    for pair, mine in zip(pairs, places.tolist()):
        assert {(sources[i].source, sources[i].target) for i in mine} == {
            (pair.source, pair.target)}
        assert sources[mine[0]].row == pair.row
        assert pair.row not in [sources[i].row for i in mine[1:]]


def test_hinge():
    model = built(_cfg('CrossTaskContrast', margin=.5, weight=2.))
    batch = data(model)
    (source, target), pairs, sources, places = _embeddings(model, batch)
    total = 0
    for p, mine in enumerate(places.tolist()):
        near = [1 - F.cosine_similarity(source[i].mean((1, 2)),
                                        target[p].mean((1, 2)), 0)
                for i in mine]
        total += sum(F.relu(near[0] - x + .5) for x in near[1:]) / 2
    found = losses(model, batch)
    assert list(found) == ['xtc.loss_contrast']
    torch.testing.assert_close(found['xtc.loss_contrast'], 2 * total / 3)


def test_an_image_alone(monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.companions.contrast.print_log',
                        lambda text, *_, **__: said.append(text))
    model = built(_cfg('CrossTaskContrast'))
    losses(model, data(model))
    assert not said
    for _ in range(2):
        alone = losses(model, data(model, count=1))
        assert alone['xtc.loss_contrast'] == 0
    assert len(said) == 1 and 'larger `batch_size`' in said[0]


@pytest.mark.parametrize('update', [4, 5])
def test_sides_learn_in_turn(update):
    model = built(_cfg('CrossTaskDiscriminator', channels=4))
    model.set_update(update)
    own = {k: v.clone() for k, v in model.companions.named_parameters()}
    head = model.heads['seg'].conv.weight.clone()
    batch = toy_batch([('depth', ), ('normals', )], 2, second_view=True)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.1))
    logs = model.train_step(dict(a=batch), optim)
    # about ln 2 for each of the two pairs of an image
    assert .7 < logs['xtc.loss_discriminator'] < 2
    moved = {k.split('.')[1] for k, v in model.companions.named_parameters()
             if not torch.equal(v, own[k])}
    assert moved == ({'mapping'} if update % 2 else {'discriminator'})
    assert torch.equal(model.heads['seg'].conv.weight, head) == (
        update % 2 == 0)


@pytest.mark.parametrize('channels', [0, 'x', True])
def test_a_discriminator_has_channels(channels):
    with pytest.raises(ConfigError, match='channels` is a whole number'):
        built(dict(type='mmmultas.CrossTaskDiscriminator', channels=channels,
                   mapping=dict(type='mmmultas.SegNetMapping',
                                widths=WIDTHS)))


def test_no_pair_is_no_loss():
    model = built(_cfg('CrossTaskDiscriminator'))
    assert losses(model, data(model, [()], 2)) == {}
    assert model.companions['xtc'].terms(model) == [
        ('xtc', 'loss_discriminator')]
    assert losses(model, data(model, ONE, 1))
