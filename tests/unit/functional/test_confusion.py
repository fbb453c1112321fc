import cv2
import naive_confusion
import pytest
import torch

from mmmultas.functional.confusion import (confusion_counts, nearest_resize,
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
