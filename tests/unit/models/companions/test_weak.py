import pytest

from mmmultas.models.companions import Plan
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

META = dict(
    det=dict(classes=('square', 'bar')),
    seg=dict(classes=('background', 'square', 'bar')))


def companion(kind='BoxForMask', name='weak', **cfg):
    model = MODELS.build(toy_model(
        companions={name: dict(type=f'mmmultas.{kind}', **cfg)}))
    return model.companions[name]


@pytest.mark.parametrize('kind, has, lacks', [
    ('BoxForMask', 'det', 'seg'), ('MaskForBox', 'seg', 'det')])
def test_images_that_it_reads(kind, has, lacks):
    one = companion(kind)
    batch = toy_batch([('det', ), ('seg', ), ('det', 'seg'), ()],
                      4)['data_samples']
    assert one.rows(batch, has, lacks) == [0 if has == 'det' else 1]
    assert one.mute_losses([(has, ), (lacks, )]) == {}
    for carried in ([(lacks, )], [('det', 'seg')], [()]):
        (key, why), = one.mute_losses(carried).items()
        assert key == 'model.companions.weak'
        assert f'has the label of {has!r} and lacks that of {lacks!r}' in why


def test_classes_meet_by_name(monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.companions.weak.print_log',
                        lambda text, *_, **__: said.append(text))
    one = companion()
    assert one.pairs[0].pixel == (1, 2)
    one.meet(Plan(dict(META, seg=dict(classes=('bar', 'sky', 'x')))))
    assert one.pairs[0].pixel == (-1, 0)
    assert len(said) == 1 and "square of 'det' have no class in" in said[0]
    one.meet(Plan(META))
    assert one.pairs[0].pixel == (1, 2) and len(said) == 1
    with pytest.raises(ConfigError, match='share no class'):
        one.meet(Plan(dict(META, seg=dict(classes=('a', 'b', 'c')))))


def test_two_of_a_kind_are_refused():
    model = MODELS.build(toy_model(companions=dict(
        a=dict(type='mmmultas.BoxForMask'),
        b=dict(type='mmmultas.BoxForMask', ranks=False))))
    with pytest.raises(ConfigError, match='companions.a` and `model.compan'
                                          'ions.b` both give the loss `weak.'
                                          'seg.loss_set`'):
        model.prepare()
