import numpy as np
import pytest
from mmengine.config import Config

from mmmultas.analysis.saved_predictions import confusion_of, evaluate_saved
from mmmultas.report.collect import collect
from mmmultas.report.judged import (TruthImage, attached, best_boxes, judge,
                                    read_truth)
from mmmultas.report.tested import predictions_of
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError


@pytest.fixture(scope='module')
def joint(toys):
    run = collect([toys.work], toys.matrix).group('mtl').runs[0]
    cfg = Config.fromfile(run.folder / 'config.py')
    return cfg, predictions_of([run]), read_truth(cfg)


def test_truth(joint):
    truth = joint[2]
    assert truth.classes(DET)[7] == 'cat'
    assert [i.meta['img_id'] for i in truth.images] == [
        'a_1', 'a_2', 'a_3', 'a_4']
    image = truth.images[0]
    assert image.labels.tolist() == [7, 11]
    assert image.hard.tolist() == [False, True]
    assert image.mask.shape == (40, 60)
    assert sorted(np.unique(image.mask)) == [0, 8, 12, 255]


def test_the_same_scores_as_the_test(joint):
    cfg, predictions, truth = joint
    found = judge(truth, predictions)
    scores = evaluate_saved(cfg, predictions)
    assert found.boxes == dict(cat=4)
    assert found.ap50['cat'] == pytest.approx(scores['det/AP50'])
    assert np.mean(list(found.iou.values())) == pytest.approx(
        scores['seg/mIoU'])
    for task in (DET, SEG):
        assert (found.confusions[task] == confusion_of(
            cfg, predictions, task).counts).all()
    recall, precision = found.curves['cat']
    assert recall[-1] == 0.75 and precision[-1] == 0.75
    assert len(found.images) == 4


def test_scores_of_an_image(joint):
    _, predictions, truth = joint
    scores = list(judge(truth, predictions).scores.values())
    assert [one.found for one in scores] == [100, 100, 100, 0]
    # right: the difficult dog is missed, 100 of 1350 and of 850 labelled
    assert scores[0].miou == scores[1].miou > scores[3].miou


def test_the_best_boxes():
    image = TruthImage({}, np.zeros((3, 4)), np.zeros(3, int),
                       np.array([False, True, False]), None)
    assert best_boxes(np.array([.1, .9, .5, .9]), image).tolist() == [1, 3]
    assert image.mask is None


def test_no_truth_in_the_sample(joint):
    sample = attached(joint[2].images[0], joint[1])
    assert 'gt_instances' not in sample and 'gt_sem_seg' not in sample
    assert len(sample.pred_instances) == 1


def test_no_test_data():
    with pytest.raises(ConfigError, match='test_dataloader'):
        read_truth(dict(test_dataloader=None))
