import cv2
import naive_confusion
import numpy as np
import pytest
import torch

from mmmultas.functional.confusion import (confusion_counts,
                                           detection_confusion,
                                           nearest_resize,
                                           segmentation_scores)


def random_maps(seed, num_classes=5, shape=(13, 17)):
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randint(num_classes, shape, generator=generator)
    target = torch.randint(num_classes, shape, generator=generator)
    target[torch.rand(shape, generator=generator) < 0.2] = 255
    return prediction, target


@pytest.mark.parametrize('seed', range(3))
def test_counts_equal_the_loop(seed):
    prediction, target = random_maps(seed)
    counts = confusion_counts(prediction, target.to(torch.uint8), 5)
    assert counts.tolist() == naive_confusion.confusion(
        prediction.tolist(), target.tolist(), 5)


def test_scores_equal_the_loop_with_an_absent_class():
    prediction, target = random_maps(0)
    counts = confusion_counts(prediction, target, 7)
    iou, accuracy, overall = segmentation_scores(counts)
    expected = naive_confusion.class_iou(counts.tolist())
    assert expected[5:] == [None, None]
    assert iou[5:].isnan().all() and accuracy[5:].isnan().all()
    assert iou[:5].tolist() == pytest.approx(expected[:5])
    right = (prediction == target).sum() / (target != 255).sum()
    assert overall.item() == pytest.approx(right.item())


def test_predicted_class_without_truth_scores_zero():
    iou, accuracy, _ = segmentation_scores(torch.tensor([[3, 1], [0, 0]]))
    assert iou.tolist() == [0.75, 0]
    assert accuracy[0] == 0.75 and accuracy[1].isnan()


def test_perfect_prediction():
    _, target = random_maps(0)
    prediction = target.clone()
    prediction[target == 255] = 0
    counts = confusion_counts(prediction, target, 5)
    assert torch.equal(counts, counts.diagonal().diag())
    iou, _, overall = segmentation_scores(counts)
    assert (iou == 1).all() and overall == 1


def test_everything_ignored():
    ignored = torch.full((2, 2), 255)
    assert confusion_counts(torch.zeros(2, 2), ignored, 3).sum() == 0


@pytest.mark.parametrize('prediction, target, message', [
    ([[0, 3]], [[0, 0]], 'prediction has labels 0 to 3'),
    ([[0, 0]], [[0, 7]], 'truth has labels 0 to 7'),
    ([[0, -1]], [[0, 0]], 'prediction has labels -1 to 0'),
    ([[0]], [[0, 0]], r'\(1, 1\) but the truth \(1, 2\)'),
])
def test_labels_out_of_range(prediction, target, message):
    with pytest.raises(ValueError, match=message):
        confusion_counts(torch.tensor(prediction), torch.tensor(target), 3)


@pytest.mark.parametrize('size', [(5, 9), (13, 17), (26, 40)])
def test_nearest_resize_is_that_of_opencv(size):
    labels = random_maps(1)[1].to(torch.uint8)
    resized = nearest_resize(labels, size)
    assert resized.dtype == torch.uint8
    assert resized.tolist() == naive_confusion.nearest(
        labels.tolist(), *size)
    assert resized.tolist() == cv2.resize(
        labels.numpy(), size[::-1],
        interpolation=cv2.INTER_NEAREST).tolist()


def test_neither_input_is_changed_nor_an_empty_one_refused():
    prediction, target = random_maps(0)
    copies = prediction.clone(), target.clone()
    confusion_counts(prediction, target, 5)
    assert torch.equal(prediction, copies[0])
    assert torch.equal(target, copies[1])
    assert confusion_counts(target[:0], target[:0], 5).sum() == 0


def _boxes(*corners):
    return np.array(corners, float).reshape(-1, 4)


CAT, DOG, NOTHING = 0, 1, 2


def test_boxes_that_are_right_mixed_up_missed_and_invented():
    truth = _boxes((0, 0, 9, 9), (20, 0, 29, 9), (40, 0, 49, 9))
    found = _boxes((0, 0, 9, 9), (20, 0, 29, 9), (80, 0, 89, 9))
    counts = detection_confusion(
        found, np.array([CAT, DOG, DOG]), truth, np.array([CAT, CAT, DOG]),
        np.zeros(3, bool), 2)
    assert counts[CAT].tolist() == [1, 1, 0]
    assert counts[DOG].tolist() == [0, 0, 1]
    assert counts[NOTHING].tolist() == [0, 1, 0]


def test_pairs_are_one_to_one_the_best_overlap_first():
    truth = _boxes((0, 0, 9, 9))
    found = _boxes((0, 0, 9, 8), (0, 0, 9, 9))
    counts = detection_confusion(found, np.array([DOG, CAT]), truth,
                                 np.array([CAT]), np.zeros(1, bool), 2)
    assert counts[CAT].tolist() == [1, 0, 0]
    assert counts[NOTHING].tolist() == [0, 1, 0]


def test_an_overlap_must_be_greater_than_the_threshold():
    args = (np.array([CAT]), _boxes((0, 0, 9, 9)), np.array([CAT]),
            np.zeros(1, bool), 2)
    half = _boxes((0, 0, 9, 4))
    assert detection_confusion(half, *args)[CAT, NOTHING] == 1
    assert detection_confusion(half, *args, iou_thr=.49)[CAT, CAT] == 1


def test_difficult_boxes_and_their_detections_count_nowhere():
    truth = _boxes((0, 0, 9, 9), (40, 0, 49, 9))
    found = _boxes((0, 0, 9, 9), (0, 0, 9, 8))
    counts = detection_confusion(found, np.array([CAT, DOG]), truth,
                                 np.array([CAT, CAT]), np.ones(2, bool), 2)
    assert counts.sum() == 0


@pytest.mark.parametrize('found, truth', [(0, 0), (2, 0), (0, 2)])
def test_images_without_boxes_of_one_kind(found, truth):
    counts = detection_confusion(
        _boxes(*[(0, 0, 9, 9)] * found), np.zeros(found, int),
        _boxes(*[(0, 0, 9, 9)] * truth), np.zeros(truth, int),
        np.zeros(truth, bool), 2)
    assert counts[NOTHING, CAT] == found and counts[CAT, NOTHING] == truth
    assert counts.sum() == found + truth


@pytest.mark.parametrize('seed', range(20))
def test_boxes_against_the_readable_version(seed):
    rng = np.random.default_rng(seed)
    corners = [rng.uniform(0, 30, (count, 2)) for count in (15, 9)]
    found, truth = (np.hstack([c, c + rng.uniform(8, 20, c.shape)])
                    for c in corners)
    args = (found, rng.integers(3, size=15), truth, rng.integers(3, size=9),
            rng.random(9) < .3, 3, .3)
    expected = naive_confusion.box_confusion(*args)
    assert detection_confusion(*args).tolist() == expected
