import numpy as np
import pytest

from mmmultas.datasets.colours import (ColourTable, colour_codes, colour_name,
                                       is_colour, parse_colour)
from mmmultas.utils.errors import ConfigError


def test_there_and_back():
    picture = np.array([[[3, 2, 1], [0, 0, 255]]], np.uint8)  # BGR
    codes = colour_codes(picture)
    assert [colour_name(c) for c in codes[0]] == ['#010203', '#ff0000']
    assert [parse_colour(colour_name(c))
            for c in codes[0]] == codes[0].tolist()
    assert is_colour('#ff0000') and not is_colour(3)


def test_unknown_colours_are_marked():
    table = ColourTable.build({0xffffff: 255, 0x000001: 0, 0x000100: 1})
    codes = np.array([[0, 1, 0x100, 0xffffff, 0xfffffe]], np.uint32)
    assert table.ids_of(codes).tolist() == [[254, 0, 1, 255, 254]]
    assert table.ids_of(codes).dtype == np.uint8


@pytest.mark.parametrize('text', ['red', '#fff', '#gg0000', 'ff0000'])
def test_other_spellings_are_refused(text):
    with pytest.raises(ConfigError, match="'#rrggbb'"):
        parse_colour(text)
