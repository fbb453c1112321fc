import json

import cv2
import pytest
from mmengine.registry import init_default_scope

from mmmultas.analysis.error_analysis import (errors_of, names_of, plot_errors,
                                              write_errors)
from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.evaluation.tide import ERRORS, TideErrors
from mmmultas.testing import ToyDataset, toy_config
from mmmultas.utils.errors import ConfigError


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


def truth_as_predictions(path):
    data = ToyDataset(5, seed=9, augment=False)
    images = []
    for index in range(5):
        truth = data[index]['data_samples'].gt_instances
        images.append(dict(
            img_id=index, img_path=f'toy/{index}', detections=[
                dict(label=label, score=0.5, bbox=box) for label, box in zip(
                    truth.labels.tolist(), truth.bboxes.tolist())]))
    path.write_text(json.dumps(dict(
        classes=['square', 'bar'], images=images)))
    return path


def test_errors_of_a_file(tmp_path):
    pytest.importorskip(
        'tidecv', reason='tidecv is not installed: pip install -r '
        'requirements/analysis.txt')
    path = truth_as_predictions(tmp_path / 'boxes.json')
    cfg = toy_config(tmp_path)
    found = errors_of(cfg, SavedPredictions([path]))
    assert found.ap == pytest.approx(100)
    assert set(found.dap.values()) == {0}
    content = json.loads(path.read_text())
    content['images'][0]['detections'] = []
    path.write_text(json.dumps(content))
    found = errors_of(cfg, SavedPredictions([path]))
    assert {k for k, v in found.dap.items() if v} == {'Miss', 'FN'}
    with pytest.raises(ConfigError, match='no predictions of boxes'):
        errors_of(cfg, SavedPredictions([tmp_path]))


def test_what_is_written(tmp_path):
    found = TideErrors(50.0, {name: 2.0 for name in ERRORS}, dict(Cls=3),
                       0.5, 0)
    path, picture = tmp_path / 'new/a.json', tmp_path / 'new/a.png'
    write_errors(dict(one=found), path)
    assert json.loads(path.read_text())['one'] == found.as_dict()
    plot_errors(dict(one=found, two=found), picture)
    assert cv2.imread(str(picture)).shape[1] > 600


def test_names():
    assert names_of(['a/boxes.json']) == ['boxes']
    assert names_of(['a/x.json', 'b/y.json']) == ['x', 'y']
    assert names_of(['a/boxes.json', 'b/boxes.json']) == [
        'a/boxes', 'b/boxes']
    same = names_of(['boxes.json', 'boxes.json'])
    assert len(same) == 2
