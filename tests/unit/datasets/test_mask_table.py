import pytest

from mmmultas.datasets.label_map import LabelSpace
from mmmultas.datasets.mask_table import mask_table
from mmmultas.utils.errors import ConfigError

SPACE = LabelSpace.build(('floor', 'cup'))


def test_values_become_train_ids():
    table = mask_table(SPACE, [3, (7, 9)], (0, ))
    assert [table[v] for v in (3, 7, 9, 0, 1)] == [0, 1, 1, 255, 254]
    colours = mask_table(SPACE, ['#000000', '#ff0000'])
    assert hasattr(colours, 'ids_of')


@pytest.mark.parametrize('values, message', [
    ([1], 'has 1 entries for the 2 classes'),
    ([1, 1], 'gives 1 to two'),
    ([1, '#ff0000'], 'numbers from 0 to 255, or all of them colours'),
    ([1, 300], 'numbers from 0 to 255'),
])
def test_errors(values, message):
    with pytest.raises(ConfigError, match=message):
        mask_table(SPACE, values)
