import torch

from mmmultas.functional.mask_supervision import (class_cover, filling_rates,
                                                  kept_blobs, refined_blobs,
                                                  uncertain_entries)


def test_cover_against_a_loop():
    mask = torch.randint(0, 4, (9, 11))
    boxes = torch.rand(30, 4) * 16 - 3
    boxes[:, 2:] += boxes[:, :2].clamp(min=0)
    found = class_cover(mask, boxes, torch.tensor([3, 1]))
    for box, row in zip(boxes.tolist(), found):
        x1, x2 = (round(min(max(v, 0), 11)) for v in box[0::2])
        y1, y2 = (round(min(max(v, 0), 9)) for v in box[1::2])
        part = mask[y1:y2, x1:x2]
        for value, label in zip(row.tolist(), (3, 1)):
            expected = (part == label).float().mean() if part.numel() else 0
            assert abs(value - float(expected)) < 1e-6


def test_small_blobs_beside_large_ones_go():
    blobs = torch.tensor([[0, 0, 20, 20, 300, 1], [30, 0, 39, 9, 70, 1],
                          [50, 0, 60, 10, 80, 1], [0, 30, 2, 32, 4, 2],
                          [9, 30, 10, 31, 1, 2]])
    assert kept_blobs(blobs, 75, 0).tolist() == [True, False, True, True, True]
    assert kept_blobs(blobs, 0, .25).tolist() == [
        True, False, True, True, True]
    assert kept_blobs(blobs, 0, .5).tolist() == [
        True, False, False, True, False]
    assert kept_blobs(blobs[:0], 75, .25).shape == (0, )


def test_only_anchors_that_show_a_class_are_uncertain():
    anchors = torch.tensor([[0., 0., 10., 10.], [20., 0., 30., 10.]])
    cover = torch.tensor([[.36, 0.], [.34, 0.]])
    left = torch.tensor([[21., 0., 30., 10.]])
    found = uncertain_entries(cover, anchors, left, torch.tensor([1]))
    assert found.tolist() == [[True, False], [False, True]]


def test_rare_classes_lean_on_all():
    rates = filling_rates(torch.tensor([80., 1., 0.]),
                          torch.tensor([100., 2., 0.]))
    mean = 81 / 102
    torch.testing.assert_close(
        rates, torch.tensor([(80 + 10 * mean) / 110, (1 + 10 * mean) / 12,
                             mean]))
    assert (filling_rates(torch.zeros(2), torch.zeros(2)) == 0).all()


def _two_parts():
    ids = torch.zeros(10, 30, dtype=torch.long)
    ids[2:8, 0:8], ids[2:8, 20:28] = 1, 2
    return ids, torch.tensor([[0, 2, 8, 8, 48, 1], [20, 2, 28, 8, 48, 1]])


def test_a_detection_that_holds_both_parts_merges_them():
    ids, blobs = _two_parts()
    box = torch.tensor([[0., 1., 29., 9.]])
    assert refined_blobs(ids, blobs, box, torch.tensor([1])).tolist() == [
        [0, 2, 28, 8, 1, 2]]
    # not one of another class, nor one that is much larger
    for label, wide in ((2, box), (1, torch.tensor([[0., 0., 90., 40.]]))):
        found = refined_blobs(ids, blobs, wide, torch.tensor([label]))
        assert found.tolist() == [[0, 2, 8, 8, 1, 0], [20, 2, 28, 8, 1, 0]]


def test_without_detections_blobs_are_used():
    ids, blobs = _two_parts()
    found = refined_blobs(ids, blobs, torch.zeros(0, 4), torch.zeros(0))
    assert found[:, 5].tolist() == [0, 0]


def test_one_detection_of_the_whole_blob_does_not_split_it():
    ids = torch.ones(1, 8, dtype=torch.long)
    blob = torch.tensor([[0, 0, 8, 1, 8, 1]])
    boxes = torch.tensor([[0., 0., 8., 1.], [0., 0., 4., 1.]])
    found = refined_blobs(ids, blob, boxes, torch.tensor([1, 1]))
    assert found.tolist() == [[0, 0, 8, 1, 1, 0]]
