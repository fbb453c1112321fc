from mmmultas.datasets.label_map import VOC_PALETTE
from mmmultas.structures import voc_colour


def test_the_colours_of_voc():
    assert tuple(voc_colour(i) for i in range(21)) == VOC_PALETTE
    assert len({voc_colour(i) for i in range(256)}) == 256
