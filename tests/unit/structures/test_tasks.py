import pytest

from mmmultas.structures import DET, SEG, parse_tasks
from mmmultas.utils import ConfigError


def test_names_in_the_order_given():
    assert parse_tasks([SEG, DET]) == ('seg', 'det')
    assert parse_tasks('depth') == ('depth', )
    assert parse_tasks(()) == ()


@pytest.mark.parametrize('tasks', ['', 'det,seg', ['det', ''], [1]])
def test_no_names(tasks):
    with pytest.raises(ConfigError, match='`tasks` wants task names'):
        parse_tasks(tasks)


def test_name_given_twice():
    with pytest.raises(ConfigError, match='twice'):
        parse_tasks(['det', 'det'])
