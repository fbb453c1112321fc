import math

import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric

from mmmultas.evaluation import SegMetric
from mmmultas.functional.confusion import nearest_resize
from mmmultas.utils import ConfigError

CLASSES = ('background', 'cat', 'dog', 'cow')


def label_map(labels):
    data = torch.as_tensor(labels)
    return dict(sem_seg=data, data=data)


def sample(prediction, truth):
    return dict(img_path='a.jpg', pred_sem_seg=label_map(prediction),
                gt_sem_seg=label_map(truth))


def random_samples(count=4, num_classes=4, size=(11, 13)):
    generator = torch.Generator().manual_seed(count)
    samples = []
    for _ in range(count):
        truth = torch.randint(
            num_classes, (1, *size), generator=generator)
        prediction = torch.randint(
            num_classes, (1, *size), generator=generator)
        keep = torch.rand((1, *size), generator=generator) < .6
        prediction = torch.where(keep, truth, prediction)
        truth[:, :2] = 255
        samples.append(sample(prediction, truth.to(torch.uint8)))
    return samples


def evaluate(samples, metric, classes=CLASSES):
    metric.dataset_meta = dict(classes=classes)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize('absent', [0, 2])
def test_equals_the_metric_of_mmseg(absent):
    samples = random_samples()
    classes = CLASSES + ('sheep', ) * absent
    ours = evaluate(samples, SegMetric(), classes)
    theirs = evaluate(samples, IoUMetric(prefix='seg'), classes)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():  # they round to two decimals
        assert ours[name] == pytest.approx(float(value), abs=0.00501)


def test_perfect_prediction():
    samples = random_samples(1)
    given = samples[0]
    given['pred_sem_seg'] = label_map(
        torch.where(given['gt_sem_seg']['data'] == 255, 0,
                    given['gt_sem_seg']['data'].long()))
    assert evaluate(samples, SegMetric()) == {
        'seg/mIoU': 100, 'seg/aAcc': 100, 'seg/mAcc': 100}


def test_counts_are_added_over_images_before_dividing():
    small = sample([[1]], [[0]])
    large = sample([[0] * 9], [[0] * 9])
    scores = evaluate([small, large], SegMetric())
    assert scores['seg/aAcc'] == pytest.approx(90)
    assert scores['seg/mIoU'] == pytest.approx((90 + 0) / 2)
    assert scores['seg/mAcc'] == pytest.approx(90)  # no truth of class 1


def test_subset_of_classes():
    scores = evaluate([sample([[1, 2, 0]], [[1, 0, 0]])],
                      SegMetric(subset=('background', 'cat')))
    assert scores['seg/mIoU_subset'] == pytest.approx((50 + 100) / 2)
    assert scores['seg/mIoU'] == pytest.approx((50 + 100 + 0) / 3)
    with pytest.raises(ConfigError, match=r"subset.*\['horse'\]"):
        evaluate([sample([[1]], [[1]])], SegMetric(subset=('horse', )))


def test_eval_size_resizes_the_truth():
    truth = random_samples(1)[0]['gt_sem_seg']['data'][0]
    small = nearest_resize(truth, (5, 6)).long()
    prediction = torch.where(small == 255, 3, small)
    metric = SegMetric(eval_size=(5, 6))
    assert evaluate([sample(prediction, truth)], metric)['seg/mIoU'] == 100
    with pytest.raises(ConfigError, match=r'eval_size=\(5, 6\).*\(11, 13\)'):
        evaluate([sample(truth, truth)], metric)


def test_size_of_prediction_differs():
    with pytest.raises(ConfigError, match='eval_size=None.*a.jpg'):
        evaluate([sample([[0, 0]], [[0]])], SegMetric())


@pytest.mark.parametrize('field', ['pred_sem_seg', 'gt_sem_seg'])
def test_missing_field_names_the_image(field):
    given = sample([[0]], [[0]])
    del given[field]
    with pytest.raises(ConfigError, match=f'{field}.*a.jpg'):
        evaluate([given], SegMetric())


def test_label_outside_the_classes():
    with pytest.raises(ConfigError, match='a.jpg.*labels 4 to 4'):
        evaluate([sample([[4]], [[0]])], SegMetric())


def test_stock_field_name_alone_is_enough():
    given = sample([[1, 0]], [[1, 0]])
    for field in ('pred_sem_seg', 'gt_sem_seg'):
        del given[field]['sem_seg']
    assert evaluate([given], SegMetric())['seg/mIoU'] == 100


def test_everything_ignored_is_not_applicable():
    scores = evaluate([sample([[0]], [[255]])], SegMetric())
    assert all(math.isnan(value) for value in scores.values())


@pytest.mark.parametrize('size', [(320, ), (0, 320)])
def test_bad_eval_size(size):
    with pytest.raises(ConfigError, match='`eval_size`'):
        SegMetric(eval_size=size)


def test_entries_hold_only_the_cells_in_use():
    metric = SegMetric()
    metric.dataset_meta = dict(classes=tuple(map(str, range(150))))
    metric.process(None, [sample([[3, 3]], [[3, 149]])])
    [(cells, counts)] = metric.results
    assert cells.tolist() == [3 * 151 + 3, 149 * 151 + 3]
    assert counts.tolist() == [1, 1]
    assert cells.dtype == np.int32


def test_images_that_are_annotated_for_some_classes():
    """Only these are judged; the rest is neither right nor wrong."""
    asked = (1, )
    # truth: 0 is "no cat". A missed cat, a cat that is none, two more things
    partial = dict(
        sample([[1, 2, 1, 3, 0]], [[1, 1, 0, 0, 0]]), asked_classes=asked)
    metric = SegMetric()
    scores = evaluate([partial], metric)
    assert scores['seg/mIoU'] == pytest.approx(100 / 3)  # of the cat alone
    assert scores['seg/mAcc'] == pytest.approx(50)
    assert scores['seg/aAcc'] == pytest.approx(60)
    plain = sample([[1, 2]], [[2, 2]])
    both = evaluate([partial, plain], SegMetric(subset=('cat', 'dog')))
    # cat: 1 of 4; dog: 1 of 2, the one of the partial image does not count
    assert both['seg/mIoU_subset'] == pytest.approx((25 + 50) / 2)
