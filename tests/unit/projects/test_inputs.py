import pytest

from mmmultas.projects.data_sources import BoxSource
from mmmultas.projects.inputs import (MOST_PIXELS, choose_inputs,
                                      default_model, workers)
from mmmultas.projects.mask_sources import MaskSource
from mmmultas.projects.records import LabelSet, Picture, Thing
from mmmultas.utils.errors import ConfigError


def boxes(size, side, count=10):
    things = (Thing('a', (0, 0, side, side)), )
    pictures = [Picture(f'{i}', size, things) for i in range(count)]
    return BoxSource('x', 'i', 'x', 'COCO json', LabelSet(('a', ), pictures),
                     {f'{i}': f'{i}' for i in range(count)}, {})


@pytest.mark.parametrize('size, side, expected', [
    ((60, 80), 30, 96),  # small images: as they are
    ((50, 40), 30, 64),  # not below 64
    ((1000, 1000), 400, 320),  # large boxes: the usual size
    ((1000, 1000), 16, 512),  # 16 of 1000 pixels are 8 of 500
    ((4000, 4000), 9, 896),  # as far as memory allows
])
def test_the_size_is_that_of_the_boxes(size, side, expected):
    found = choose_inputs([boxes(size, side)], [], dict(det=40))
    assert found.img_size == expected
    assert found.side == pytest.approx(
        side / (size[0] * size[1])**0.5 * expected)
    assert found.batch_size * expected**2 <= MOST_PIXELS
    assert 2 <= found.batch_size <= 16


@pytest.mark.parametrize('count, batch, drop', [
    (1, 2, False), (2, 2, True), (7, 7, True), (40, 16, True)])
def test_batches_that_small_data_fill(count, batch, drop):
    found = choose_inputs([boxes((300, 300), 99)], [],
                          dict(det=count, seg=90))
    assert (found.batch_size, found.drop_last) == (batch, drop)


def test_images_that_cannot_be_read():
    masks = MaskSource('x', 'i', 'm', 'PNG masks', ('a', ), {'a': '/gone'})
    with pytest.raises(ConfigError, match='None of the images'):
        choose_inputs([], [masks], dict(seg=1))


def test_the_machine(monkeypatch):
    assert default_model()[0] == 'efflite0_fpn'
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    assert default_model()[0] == 'rn50_pafpn' and 1 <= workers() <= 4
