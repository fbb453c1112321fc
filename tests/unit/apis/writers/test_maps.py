"""What is written is read again as a label of its kind."""
import numpy as np
import pytest

from mmmultas.datasets.label_map import LabelSpace
from mmmultas.datasets.mask_runs import RunCache
from mmmultas.registry import READERS, WRITERS

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(4, 6, 3)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=2, keepdims=True)
CASES = {
    'classes': (RNG.integers(0, 3, (4, 6)), dict(
        lut=LabelSpace.build(('a', 'b', 'c')).lut()), 0),
    'depth': (RNG.uniform(.1, 9, (4, 6)).astype(np.float32),
              dict(scale=.001), .0006),
    'normals': (VECTORS, {}, .01),
    'edges': (RNG.uniform(0, 1, (4, 6)), dict(threshold=128), None),
    'saliency': (RNG.uniform(0, 1, (4, 6)), dict(threshold=128), None),
}


@pytest.mark.parametrize('kind', CASES)
def test_written_and_read(tmp_path, kind):
    values, source, error = CASES[kind]
    path = tmp_path / 'a.png'
    WRITERS.get(kind)(dict(unit='m')).write(path, values)
    read = READERS.get(kind)(RunCache(0)).read(
        dict(source, path=str(path)), dict(ori_shape=(4, 6)))
    if error is None:
        assert (read == (values >= .5)).mean() > .9
    else:
        np.testing.assert_allclose(read, values, atol=error)


def depth_of(path, **source):
    return READERS.get('depth')(RunCache(0)).read(
        dict(source, path=str(path)), dict(ori_shape=(1, 2)))


def test_depth_beyond_sixteen_bits_is_said_once(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.apis.writers.maps.print_log',
                        lambda text, *_: said.append(text))
    writer = WRITERS.get('depth')(dict(unit='m'))
    for name in 'ab':
        writer.write(tmp_path / f'{name}.png', np.array([[99., np.nan]]))
    np.testing.assert_allclose(depth_of(tmp_path / 'a.png', scale=.001),
                               [[65.535, 0]], rtol=1e-5)
    [text] = said
    assert 'a.png has depth of more than 65.535 m' in text


@pytest.mark.parametrize('meta, suffix, scale', [
    (dict(unit='m', scale=1 / 256), '.png', 1 / 256),  # 255 m at most
    (dict(unit='mm'), '.png', 1.), (dict(unit='cm'), '.png', .1),
    (dict(unit='px'), '.npy', None), ({}, '.npy', None)])
def test_depth_is_written_as_its_labels_are_or_by_its_unit(
        tmp_path, meta, suffix, scale):
    writer = WRITERS.get('depth')(meta)
    path = tmp_path / f'a{writer.suffix}'
    assert writer.suffix == suffix
    writer.write(path, np.array([[200., 0]]))
    source = {} if scale is None else dict(scale=scale)
    np.testing.assert_allclose(depth_of(path, **source), [[200, 0]])
