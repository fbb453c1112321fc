import numpy as np
import pytest
from naive_average_precision import overlap, voc_ap

from mmmultas.functional.average_precision import (average_precision,
                                                   best_overlaps,
                                                   detection_ap, mark_hits,
                                                   match_detections,
                                                   precision_recall,
                                                   voc_overlaps)

THRESHOLDS = np.arange(50, 100, 5) / 100


def random_boxes(rng, count):
    corner = rng.integers(0, 30, (count, 2))
    return np.hstack((corner, corner + rng.integers(0, 30, (count, 2))))


def test_overlaps_equal_the_loop():
    rng = np.random.default_rng(0)
    boxes, truth = random_boxes(rng, 20), random_boxes(rng, 15)
    expected = [[overlap(a, b) for b in truth] for a in boxes]
    np.testing.assert_allclose(voc_overlaps(boxes, truth), expected)


def test_overlap_counts_both_corners():
    left, right = np.array([[0, 0, 4, 0]]), np.array([[4, 0, 8, 0]])
    assert voc_overlaps(left, right)[0, 0] == pytest.approx(1 / 9)
    assert voc_overlaps(left, right + [[1, 0, 1, 0]])[0, 0] == 0


def test_no_boxes_on_either_side():
    none, one = np.zeros((0, 4)), np.ones((1, 4))
    labels = np.zeros(1, int)
    assert voc_overlaps(none, one).shape == (0, 1)
    overlaps, partners = best_overlaps(one, labels, none, labels[:0])
    assert (overlaps, partners) == (np.zeros(1), np.array([-1]))
    assert len(best_overlaps(none, labels[:0], one, labels)[0]) == 0


def test_partner_is_of_the_same_class():
    box = np.array([[0, 0, 9, 9]])
    truth = np.array([[0, 0, 9, 9], [0, 0, 9, 4], [0, 5, 9, 9]])
    overlaps, partners = best_overlaps(box, np.array([2]), truth,
                                       np.array([1, 2, 2]))
    assert overlaps[0] == 0.5
    assert partners[0] == 1  # the first of equals


def test_overlap_must_be_strictly_greater():
    tp, fp = mark_hits(
        np.array([0.5]), np.array([0]), np.array([False]),
        np.array([0.49, 0.5]))
    assert tp.tolist() == [[True], [False]]
    assert fp.tolist() == [[False], [True]]


def test_difficult_partner_is_neither_right_nor_wrong():
    tp, fp = mark_hits(
        np.array([.9, .9, .2]), np.array([0, 0, 0]), np.array([True] * 3),
        np.array([0.5]))
    assert not tp.any()
    assert fp.tolist() == [[False, False, True]]


def test_without_detections():
    tp, fp = mark_hits(
        np.zeros(0), np.zeros(0, int), np.zeros(0, bool), THRESHOLDS)
    for mode in ('area', '11points'):
        assert (average_precision(tp, fp, 3, mode) == 0).all()
        assert np.isnan(average_precision(tp, fp, 0, mode)).all()


@pytest.mark.parametrize('mode', ['area', '11points'])
def test_perfect_detections_have_ap_one(mode):
    tp = np.ones((2, 7), bool)
    ap = average_precision(tp, ~tp, 7, mode)
    assert ap == pytest.approx([1, 1])


def test_unknown_mode():
    with pytest.raises(ValueError, match='area'):
        average_precision(np.ones((1, 1)), np.zeros((1, 1)), 1, 'integral')


@pytest.mark.parametrize('mode', ['area', '11points'])
@pytest.mark.parametrize('seed', range(8))
def test_ap_equals_the_loop_at_every_threshold(mode, seed):
    rng = np.random.default_rng(seed)
    detections, truth = [], {}
    scores, overlaps, gt_ids, ignored = [], [], [], []
    offset = num_gt = 0
    for image in range(6):
        gt = random_boxes(rng, rng.integers(0, 5))
        hard = rng.random(len(gt)) < 0.3
        boxes = np.vstack((np.repeat(gt, 2, 0) + rng.integers(
            -3, 4, (2 * len(gt), 4)), random_boxes(rng, 2)))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
        score = rng.integers(0, 1000, len(boxes)) / 1000
        truth[image] = list(zip(gt.tolist(), hard))
        detections += zip([image] * len(boxes), score, boxes.tolist())
        overlap_N, partner_N = best_overlaps(
            boxes, np.zeros(len(boxes), int), gt, np.zeros(len(gt), int))
        scores.append(score)
        overlaps.append(overlap_N)
        gt_ids.append(np.where(partner_N < 0, -1, partner_N + offset))
        ignored.append(
            np.append(hard, False)[partner_N])
        offset += len(gt)
        num_gt += int((~hard).sum())
    ap = detection_ap(*map(np.concatenate, (scores, overlaps, gt_ids,
                                            ignored)), num_gt, THRESHOLDS,
                      mode)
    expected = [voc_ap(detections, truth, thr, mode) for thr in THRESHOLDS]
    np.testing.assert_allclose(ap, expected, atol=1e-12)
    assert 0 < ap[0] <= 1


def test_precision_and_recall_without_truth_are_no_numbers():
    hit = np.array([[True, False]])
    for values in precision_recall(hit, ~hit, num_gt=0):
        assert values.shape == (1, 2) and np.isnan(values).all()


def coco_ap50(found, scores, truth, crowd):
    """AP at IoU 0.5 by pycocotools, of one class and image."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box):
        return [box[0], box[1], box[2] - box[0] + 1, box[3] - box[1] + 1]

    coco = COCO()
    coco.dataset = dict(
        info={}, images=[dict(id=1, width=100, height=100)],
        categories=[dict(id=1, name='a')],
        annotations=[
            dict(id=i + 1, image_id=1, category_id=1, bbox=xywh(box),
                 area=1000, iscrowd=int(flag))
            for i, (box, flag) in enumerate(zip(truth, crowd))
        ])
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        results = coco.loadRes([
            dict(image_id=1, category_id=1, bbox=xywh(box), score=score)
            for box, score in zip(found, scores)])
        judge = COCOeval(coco, results, 'bbox')
        judge.params.iouThrs = np.array([.5])
        judge.evaluate()
        judge.accumulate()
    return judge.eval['precision'][0, :, 0, 0, 2].mean()


@pytest.mark.parametrize('found, expected', [
    # inside the crowd, and the object itself
    ([(10, 10, 19, 19), (60, 60, 79, 79)], 1.0),
    # less than half of it in the crowd: wrong
    ([(45, 10, 60, 19), (60, 60, 79, 79)], 0.5),
    # twice the object: the second is wrong
    ([(60, 60, 79, 79), (60, 60, 79, 78)], 1.0),
])
def test_crowds_are_judged_as_by_coco(found, expected):
    found = np.array(found)
    truth = np.array([(60, 60, 79, 79), (0, 0, 49, 49)])
    crowd, scores = np.array([False, True]), np.array([.9, .8])
    labels = np.zeros(2, int)
    overlaps, partners, covers = match_detections(found, labels, truth,
                                                  labels, crowd)
    assert (partners < 1).all()  # a crowd is nobody's partner
    ap = detection_ap(scores, overlaps, partners, np.zeros(2, bool), 1,
                      np.array([.5]), covers_N=covers)[0]
    assert ap == pytest.approx(expected)
    assert coco_ap50(found, scores, truth, crowd) == pytest.approx(
        expected, abs=.01)
