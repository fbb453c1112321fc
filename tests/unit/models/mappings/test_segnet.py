import pytest
import torch

from mmmultas.models.mappings import SegNetMapping
from mmmultas.utils.errors import ConfigError


@pytest.mark.parametrize('channels, count', [
    (dict(seg=13, depth=1, normals=3), 14_819_328),
    (dict(seg=7, depth=1), 14_780_160),
    (dict(seg=21, parts=7, saliency=1, edges=1, normals=3), 14_947_200)])
def test_parameters_are_those_of_the_paper(channels, count):
    with torch.device('meta'):
        net = SegNetMapping(channels)
    assert sum(p.numel() for p in net.parameters()) == count


def test_without_condition_it_has_no_film():
    channels = dict(a=2, b=1)
    with torch.device('meta'):
        plain, whole = (SegNetMapping(channels, conditioned=on)
                        for on in (False, True))
    names = {name for name, _ in whole.named_parameters()}
    assert names - {name for name, _ in plain.named_parameters()} == {
        f'film.{i}.{part}' for i in range(13) for part in ('gamma', 'beta')}


def test_a_batch_equals_its_items():
    torch.manual_seed(0)
    net = SegNetMapping(dict(a=2, b=1), (4, 4, 8, 8, 8)).double()
    net.init_weights()
    for film in net.film:
        film.gamma.data.normal_()
    a = torch.randn(2, 2, 64, 64, dtype=torch.double)
    b = torch.randn(1, 1, 64, 64, dtype=torch.double)
    index, columns = torch.tensor([0, 2, 1, 2]), torch.tensor([0, 0, 1, 1])
    found = net([('a', a), ('b', b)], index, columns)
    assert found.shape == (4, 8, 2, 2)
    zero = torch.zeros(1, dtype=torch.long)
    for i, (task, x) in enumerate(
            (('a', a[:1]), ('b', b), ('a', a[1:]), ('b', b))):
        torch.testing.assert_close(
            net([(task, x)], zero, columns[i:i + 1])[0], found[i])


def test_widths():
    with pytest.raises(ConfigError, match='each of five stages'):
        SegNetMapping(dict(a=1, b=1), (4, 4))
