import json

import pytest

from mmmultas.analysis.prediction_sources import SavedPredictions
from mmmultas.utils.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'depth').mkdir()
    content = dict(task='cars', classes=['van'], images=[])
    (tmp_path / 'cars.json').write_text(json.dumps(content))
    (tmp_path / 'tasks.json').write_text(json.dumps(dict(
        cars='cars.json', depth='depth')))
    return tmp_path


def test_the_folder_of_all_tasks_says_what_it_holds(folder):
    found = SavedPredictions([folder])
    assert found.tasks == ('cars', 'depth') and found.classes is None
    assert found.classes_of('cars') == ['van']
    alone = SavedPredictions([folder / 'cars.json'])
    assert alone.tasks == ('cars', )


def test_a_task_twice(folder):
    with pytest.raises(ConfigError, match="predictions for 'cars'"):
        SavedPredictions([folder, folder / 'cars.json'])


@pytest.mark.parametrize('text', ['[]', '{"a": "../b"}', '{"a": "/b"}', 'x'])
def test_a_list_that_leads_elsewhere(folder, text):
    (folder / 'tasks.json').write_text(text)
    with pytest.raises(DataError, match='tasks.json is no list'):
        SavedPredictions([folder])
