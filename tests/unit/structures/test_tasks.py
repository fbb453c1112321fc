import pytest

from mmmultas.structures import parse_tasks
from mmmultas.utils.errors import ConfigError


def test_names_become_a_tuple():
    assert parse_tasks('det') == ('det', )
    assert parse_tasks(['det', 'seg']) == ('det', 'seg')
    assert parse_tasks(()) == ()


@pytest.mark.parametrize('tasks', [['det', 'det'], [''], [3], 'det,seg'])
def test_nonsense_is_refused(tasks):
    with pytest.raises(ConfigError, match='tasks'):
        parse_tasks(tasks)
