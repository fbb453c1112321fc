import math

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.logging import MMLogger
from naive_average_precision import voc_ap

from mmmultas.evaluation import VOCDetMetric
from mmmultas.utils import ConfigError

CLASSES = ('cat', 'dog', 'cow')


def instances(boxes, labels, scores=None):
    found = dict(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64))
    if scores is not None:
        found['scores'] = torch.tensor(scores)
    return found


def sample(truth, predicted, ignored=((), ())):
    return dict(
        img_path='a.jpg',
        gt_instances=instances(*truth),
        ignored_instances=instances(*ignored),
        pred_instances=instances(*predicted))


def evaluate(samples, **options):
    metric = VOCDetMetric(**options)
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


BOX, HALF, FAR = (0, 0, 9, 9), (0, 0, 9, 6), (50, 50, 60, 60)


def test_perfect_prediction_leaves_absent_classes_out():
    scores = evaluate([sample(([BOX], [1]), ([BOX], [1], [.9]))])
    assert scores == {
        'det/mAP': 100, 'det/AP50': 100, 'det/AP75': 100}


def test_thresholds_are_apart():
    scores = evaluate([sample(([BOX], [1]), ([HALF], [1], [.9]))])
    # IoU 0.7: strictly above .50 to .65 only
    assert scores['det/AP50'] == 100
    assert scores['det/AP75'] == 0
    assert scores['det/mAP'] == pytest.approx(40)


def test_false_positives_on_an_image_without_boxes_count():
    clean = sample(([BOX], [0]), ([BOX], [0], [.8]))
    noisy = sample(([], []), ([BOX], [0], [.9]))
    assert evaluate([clean])['det/AP50'] == 100
    assert evaluate([clean, noisy])['det/AP50'] == 50


def test_difficult_boxes_are_neither():
    ignored = ([FAR], [0])
    scores = evaluate([
        sample(([BOX], [0]), ([FAR, BOX], [0, 0], [.9, .8]), ignored)])
    assert scores['det/AP50'] == 100
    missed = evaluate([sample(([BOX], [0]), ([BOX], [0], [.8]), ignored)])
    assert missed['det/AP50'] == 100


def test_only_difficult_boxes_is_not_applicable():
    scores = evaluate([
        sample(([], []), ([FAR], [0], [.9]), ([FAR], [0]))])
    assert all(math.isnan(value) for value in scores.values())


def test_data_sample_without_ignored_instances_and_with_box_structures():
    given = sample(([BOX], [0]), ([BOX], [0], [.9]))
    del given['ignored_instances']
    truth = given['gt_instances']
    truth['bboxes'] = HorizontalBoxes(truth['bboxes'])
    assert evaluate([given])['det/AP50'] == 100


def random_samples(seed, count=7):
    rng = np.random.default_rng(seed)
    samples, detections, truth = [], [], []
    for image in range(count):
        corner = rng.integers(0, 40, (4, 2))
        gt = np.hstack((corner, corner + rng.integers(5, 30, (4, 2))))
        labels, hard = rng.integers(0, 3, 4), rng.random(4) < .3
        boxes = np.tile(gt, (2, 1)) + rng.integers(-2, 3, (8, 4))
        found = np.where(rng.random(8) < .8, np.tile(labels, 2), 0)
        score = rng.permutation(8) / 100 + image / 1000
        samples.append(
            sample((gt[~hard].tolist(), labels[~hard].tolist()),
                   (boxes.tolist(), found.tolist(), score.tolist()),
                   (gt[hard].tolist(), labels[hard].tolist())))
        detections += zip([image] * 8, score, boxes.tolist(), found)
        truth += zip([image] * 4, gt.tolist(), labels, hard)
    return samples, detections, truth


@pytest.mark.parametrize('mode', ['area', '11points'])
@pytest.mark.parametrize('seed', range(4))
def test_means_equal_the_loop(mode, seed):
    samples, detections, truth = random_samples(seed)
    scores = evaluate(samples, ap_mode=mode)

    def mean(thresholds):
        values = [
            voc_ap([d[:3] for d in detections if d[3] == label],
                   {i: [t[1::2] for t in truth if t[0] == i and t[2] == label]
                    for i in range(len(samples))}, threshold, mode)
            for label in range(3) for threshold in thresholds
        ]
        return 100 * np.mean([v for v in values if v is not None])

    assert scores['det/mAP'] == pytest.approx(mean(np.arange(10) / 20 + .5))
    assert scores['det/AP50'] == pytest.approx(mean([.5]))
    assert scores['det/AP75'] == pytest.approx(mean([.75]))


def test_min_gt_means_over_frequent_classes():
    many = sample(([BOX, FAR], [0, 0]), ([BOX, FAR], [0, 0], [.9, .8]))
    rare = sample(([BOX], [1]), ([FAR], [1], [.9]))
    scores = evaluate([many, rare], min_gt=2)
    assert scores['det/AP50'] == 50
    assert scores['det/AP50_min2'] == scores['det/mAP_min2'] == 100
    assert math.isnan(evaluate([rare], min_gt=2)['det/AP50_min2'])


def test_class_agnostic_judges_boxes_alone():
    wrong = sample(([BOX], [0]), ([BOX], [1], [.9]))
    assert evaluate([wrong])['det/AP50'] == 0
    assert evaluate([wrong], class_agnostic=True)['det/AP50'] == 100


def test_other_thresholds_are_reported():
    given = [sample(([BOX], [0]), ([(0, 0, 9, 1)], [0], [.9]))]
    assert evaluate(given, iou_thrs=(0.1, 0.25)) == {
        'det/mAP': 50, 'det/AP10': 100, 'det/AP25': 0}
    assert set(evaluate(given, report=(0.55, ))) == {'det/mAP', 'det/AP55'}


def test_table_shows_counts_and_what_is_not_applicable(monkeypatch):
    lines = []
    logger = MMLogger.get_instance('table')
    monkeypatch.setattr(MMLogger, 'get_current_instance', lambda: logger)
    monkeypatch.setattr(
        logger, 'log', lambda level, text: lines.append(text))
    evaluate([sample(([BOX, FAR], [1, 1]), ([BOX], [1], [.9]))])
    rows = {
        row.split('|')[0].strip(): [c.strip() for c in row.split('|')[1:]]
        for row in '\n'.join(lines).splitlines() if '|' in row
    }
    assert rows['class'] == ['boxes', 'mAP', 'AP50', 'AP75']
    assert rows['cat'] == ['0', 'n/a', 'n/a', 'n/a']
    assert rows['dog'] == ['2', '50.00', '50.00', '50.00']
    assert rows['mean of 1'] == ['2', '50.00', '50.00', '50.00']


@pytest.mark.parametrize('field', ['pred_instances', 'gt_instances'])
def test_missing_field_names_the_image(field):
    given = sample(([BOX], [0]), ([BOX], [0], [.9]))
    del given[field]
    with pytest.raises(ConfigError, match=f'{field}.*a.jpg'):
        evaluate([given])


def test_label_outside_the_classes():
    with pytest.raises(ConfigError, match='label 3.*3 classes'):
        evaluate([sample(([BOX], [0]), ([BOX], [3], [.9]))])


@pytest.mark.parametrize('options', [
    dict(ap_mode='integral'), dict(iou_thrs=()), dict(iou_thrs=(50, )),
    dict(min_gt=0), dict(report=(0.33, ))])
def test_bad_options_are_named(options):
    with pytest.raises(ConfigError, match=f'`{next(iter(options))}`'):
        VOCDetMetric(**options)


def test_one_compact_entry_per_sample():
    metric = VOCDetMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, random_samples(0)[0])
    assert len(metric.results) == 7
    assert all(isinstance(value, np.ndarray) and value.size <= 8
               for value in metric.results[0].values())


def test_images_that_are_annotated_for_some_classes():
    found = sample(([BOX], [0]), ([BOX, BOX, FAR], [0, 1, 2], [.5, .9, .95]))
    whole = sample(([BOX], [1]), ([BOX], [1], [.7]))
    assert evaluate([found, whole])['det/AP50'] < 100
    found['asked_classes'] = (0, )
    assert evaluate([found, whole])['det/AP50'] == 100
    for agnostic, score in ((dict(found), 100),
                            (dict(found, asked_classes=None), 50)):
        scores = evaluate([agnostic], class_agnostic=True)
        assert scores['det/AP50'] == pytest.approx(score)
