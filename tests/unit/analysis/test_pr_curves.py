import json

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmmultas.analysis.pr_curves import pr_curves
from mmmultas.analysis.saved_predictions import (SavedPredictions,
                                                 evaluate_saved)
from mmmultas.testing import ToyDataset, toy_config
from mmmultas.utils.errors import ConfigError


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


@pytest.fixture
def cfg(tmp_path):
    return toy_config(tmp_path)


def written(path, noise=0.0, extra=0):
    """Predictions near the truth, with other boxes between them."""
    rng = np.random.default_rng(0)
    data = ToyDataset(5, seed=9, augment=False)
    images = []
    for index in range(5):
        truth = data[index]['data_samples'].gt_instances
        boxes = truth.bboxes.numpy() + rng.normal(
            0, noise, truth.bboxes.shape)
        found = [(int(label), box) for label, box in zip(
            truth.labels, boxes)]
        found += [(int(rng.integers(2)), rng.uniform(0, 30, 4).cumsum())
                  for _ in range(extra)]
        images.append(dict(
            img_id=index, img_path=f'toy/{index}', detections=[
                dict(label=label, score=float(rng.uniform()),
                     bbox=box.tolist()) for label, box in found]))
    path.write_text(json.dumps(dict(
        classes=['square', 'bar'], images=images)))
    return SavedPredictions([path])


def area(recall, precision):
    """AP, the naive way."""
    best = [max(precision[place:]) for place in range(len(precision))]
    return sum((r - before) * p for r, before, p in zip(
        recall, [0, *recall[:-1]], best))


@pytest.mark.parametrize('iou_thr', [0.5, 0.75])
def test_the_area_is_the_ap_of_the_metric(cfg, tmp_path, iou_thr):
    predictions = written(tmp_path / 'boxes.json', noise=2.0, extra=4)
    scores = evaluate_saved(cfg, predictions)
    curves = pr_curves(cfg, predictions, iou_thr)
    assert sorted(curves) == ['bar', 'square']
    mean = np.mean([100 * area(*curve) for curve in curves.values()])
    assert mean == pytest.approx(scores[f'det/AP{100 * iou_thr:g}'])
    assert 0 < mean < 100
    for recall, precision in curves.values():
        assert recall.shape == precision.shape
        assert (np.diff(recall) >= 0).all()


def test_perfect_and_empty_predictions(cfg, tmp_path):
    path = tmp_path / 'boxes.json'
    for recall, precision in pr_curves(cfg, written(path)).values():
        assert (precision == 1).all() and recall[-1] == 1
    content = json.loads(path.read_text())
    for image in content['images']:
        image['detections'] = []
    path.write_text(json.dumps(content))
    for curve in pr_curves(cfg, SavedPredictions([path])).values():
        assert [len(part) for part in curve] == [0, 0]


def test_difficult_boxes_do_not_count(cfg, tmp_path, monkeypatch):
    get = ToyDataset.__getitem__

    def all_difficult_but_one(self, index):
        item = get(self, index)
        sample = item['data_samples']
        if index:
            sample.ignored_instances = sample.gt_instances
            sample.gt_instances = sample.gt_instances[:0]
        return item

    predictions = written(tmp_path / 'boxes.json')
    monkeypatch.setattr(ToyDataset, '__getitem__', all_difficult_but_one)
    curves = pr_curves(cfg, predictions)
    truth = get(ToyDataset(5, seed=9, augment=False), 0)['data_samples']
    labels = truth.gt_instances.labels.tolist()
    assert {name: len(recall) for name, (recall, _) in curves.items()} == {
        name: labels.count(label)
        for label, name in enumerate(('square', 'bar')) if label in labels}


def test_messages(cfg, tmp_path):
    with pytest.raises(ConfigError, match=r'\[0, 1\), not 1'):
        pr_curves(cfg, written(tmp_path / 'boxes.json'), 1.0)
    with pytest.raises(ConfigError, match='no predictions of boxes'):
        pr_curves(cfg, SavedPredictions([tmp_path]))
