import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

import mmmultas.testing  # noqa: F401
from mmmultas.analysis.pr_curves import pr_curves
from mmmultas.analysis.saved_predictions import (CONFUSED, SavedPredictions,
                                                 confusion_of, evaluate_saved,
                                                 fitting_tasks,
                                                 write_confusion)
from mmmultas.testing import SHAPES, toy_config, toy_model
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.launch import build_runner


class Tested:
    """A test of a fresh toy model, and what it wrote."""

    def __init__(self, folder):
        torch.manual_seed(0)
        self.cfg = toy_config(folder)
        self.cfg.model = toy_model()
        # many boxes, of equal scores too, and misplaced by the threshold
        self.cfg.model.heads.det.test_cfg = dict(
            score_thr=0.0, max_per_img=50)
        self.cfg.test_evaluator.det.min_gt = 1
        self.cfg.test_evaluator.seg.subset = ('bar', )
        self.cfg.default_hooks.checkpoint = None
        self.boxes, self.masks = folder / 'boxes.json', folder / 'masks'
        self.cfg.custom_hooks = [
            dict(type='mmmultas.PredictionHook', out=str(self.boxes),
                 seg_out=str(self.masks))]
        self.scores = build_runner(self.cfg).test()


@pytest.fixture(scope='module')
def tested(tmp_path_factory):
    return Tested(tmp_path_factory.mktemp('tested'))


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


def _same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_equal(value, other[key])


def test_metrics_are_those_of_the_test(tested):
    scores = evaluate_saved(
        tested.cfg, SavedPredictions([tested.boxes, tested.masks]))
    assert scores['det/AP50_min1'] > 0 and scores['seg/mIoU_subset'] >= 0
    _same(scores, tested.scores)


def test_one_task_alone(tested):
    scores = evaluate_saved(tested.cfg, SavedPredictions([tested.masks]))
    _same(scores, {k: v for k, v in tested.scores.items()
                   if k.startswith('seg/')})


def test_confusion_of_pixels_tells_the_same_iou(tested):
    matrix = confusion_of(
        tested.cfg, SavedPredictions([tested.masks]), 'seg')
    counts = matrix.counts
    assert counts.shape == (3, 3) and counts.sum() == 5 * 64 * 64
    accuracy = 100 * np.trace(counts) / counts.sum()
    assert accuracy == pytest.approx(tested.scores['seg/aAcc'])


@pytest.fixture
def perfect(tested, tmp_path):
    """Predictions that repeat the truth, but call every bar a square."""
    from mmmultas.testing import ToyDataset
    data = ToyDataset(5, seed=9, augment=False)
    images = []
    for index in range(5):
        truth = data[index]['data_samples'].gt_instances
        boxes = truth.bboxes.tolist()
        images.append(dict(
            img_id=index, img_path=f'toy/{index}', detections=[
                dict(label=0, score=.9, bbox=box) for box in boxes
            ] + [dict(label=0, score=.1, bbox=[0, 0, 9, 9])]))
    path = tmp_path / 'perfect.json'
    path.write_text(json.dumps(dict(
        classes=['square', 'bar'], images=images)))
    return path


def test_confusion_of_boxes(tested, perfect, tmp_path):
    predictions = SavedPredictions([perfect])
    matrix = confusion_of(tested.cfg, predictions, 'det')
    assert matrix.names == ['square', 'bar', 'nothing']
    counts = matrix.counts
    assert counts[0, 0] > 0 and counts[1, 0] > 0
    assert counts.sum() == counts[:2, 0].sum()
    low = confusion_of(tested.cfg, predictions, 'det', score_thr=.05)
    assert low.counts[2, 0] == 5
    written, picture = write_confusion(matrix, tmp_path / 'new', iou_thr=.5)
    content = json.loads(written.read_text())
    assert content['counts'] == counts.tolist()
    assert content['iou_thr'] == .5 and content['names'] == matrix.names
    assert cv2.imread(str(picture)).min() < 200


def test_what_is_no_file_of_predictions(tested, tmp_path):
    for text in ('no json', '[]', '{"classes": []}'):
        path = tmp_path / 'a.json'
        path.write_text(text)
        with pytest.raises(DataError, match='a.json is no file of'):
            SavedPredictions([path])
    with pytest.raises(DataError, match='nowhere does not exist'):
        SavedPredictions([tmp_path / 'nowhere'])
    with pytest.raises(ConfigError, match="Both .* 'seg'"):
        SavedPredictions([tested.masks, tmp_path])


def _changed(path, target, change):
    content = json.loads(path.read_text())
    change(content)
    target.write_text(json.dumps(content))
    return SavedPredictions([target])


def test_predictions_that_do_not_fit_the_data(tested, tmp_path):
    target = tmp_path / 'a.json'
    fewer = _changed(tested.boxes, target, lambda c: c['images'].pop(2))
    with pytest.raises(DataError, match='no prediction for toy/2'):
        evaluate_saved(tested.cfg, fewer)
    other = _changed(tested.boxes, target,
                     lambda c: c.update(classes=['cat', 'dog']))
    with pytest.raises(DataError, match='cat ... dog'):
        evaluate_saved(tested.cfg, other)
    with pytest.raises(DataError, match="holds image '0' twice"):
        _changed(tested.boxes, target,
                 lambda c: c['images'].append(c['images'][0]))
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='0.png does not exist'):
        evaluate_saved(tested.cfg, SavedPredictions([tmp_path / 'empty']))


def test_tasks_that_are_not_there(tested):
    masks = SavedPredictions([tested.masks])
    with pytest.raises(ConfigError, match="no predictions for 'det'"):
        confusion_of(tested.cfg, masks, 'det')
    cfg = tested.cfg.copy()
    cfg.test_evaluator = dict(det=cfg.test_evaluator.det)
    with pytest.raises(ConfigError, match="no metrics for 'seg'"):
        evaluate_saved(cfg, masks)
    cfg.test_dataloader = dict(val=dict(dataset=dict(
        type='mmmultas.ToyDataset', tasks=('det', ))))
    with pytest.raises(ConfigError, match="labels for 'seg'"):
        evaluate_saved(cfg, masks)


def test_every_task_is_judged_again(several):
    saved = SavedPredictions([several.out])
    assert saved.tasks == tuple(several.cfg.test_evaluator)
    scores = evaluate_saved(several.cfg, saved)
    assert scores.keys() == several.scores.keys()
    for name, value in several.scores.items():
        # maps of numbers are rounded in their files
        rounded = name.split('/')[0] in ('far', 'up', 'bold')
        np.testing.assert_allclose(
            scores[name], value, rtol=.02 if rounded else 0,
            atol=.3 if rounded else 0)
    assert set(evaluate_saved(several.cfg, saved, ['parts'])) == {
        name for name in scores if name.startswith('parts/')}


def test_analyses_of_further_tasks(several):
    saved = SavedPredictions([several.out])
    cfg = several.cfg
    assert fitting_tasks(cfg, saved, CONFUSED) == ['det', 'seg', 'more',
                                                   'parts']
    parts = confusion_of(cfg, saved, 'parts')
    assert parts.names == ['background', *SHAPES]
    hits = np.diag(parts.counts) / np.maximum(
        parts.counts.sum(0) + parts.counts.sum(1) - np.diag(parts.counts), 1)
    assert 100 * hits.mean() == pytest.approx(several.scores['parts/mIoU'])
    more = confusion_of(cfg, saved, 'more', score_thr=0)
    assert more.names[-1] == 'nothing' and more.counts.sum() > 0
    assert set(pr_curves(cfg, saved, task='more')) == set(SHAPES)
    for task, said in ((None, 'several tasks are of boxes: choose one by '
                        '--task, det, more'),
                       ('far', "'far' is no task of boxes .* from det, more"),
                       ('x', "no predictions for 'x', but for det, seg")):
        with pytest.raises(ConfigError, match=f'(?i){said}'):
            pr_curves(cfg, saved, task=task)
