import torch

from mmmultas.models.companions.blobs import blobs_of


def test_parts_touch_at_corners_and_255_belongs_to_none():
    mask = torch.tensor([[1, 0, 255, 2, 0, 1], [0, 1, 255, 2, 0, 0],
                         [0, 0, 0, 0, 0, 1]])
    ids, blobs = blobs_of(mask, [2, 1, 7])
    assert blobs.tolist() == [[0, 0, 2, 2, 2, 1], [5, 0, 6, 1, 1, 1],
                              [5, 2, 6, 3, 1, 1], [3, 0, 4, 2, 2, 2]]
    for number, blob in enumerate(blobs, 1):
        ys, xs = (ids == number).nonzero().unbind(1)
        assert len(ys) == blob[4] and (mask[ys, xs] == blob[5]).all()
    assert (ids[(mask == 0) | (mask == 255)] == 0).all()


def test_a_mask_without_these_classes():
    ids, blobs = blobs_of(torch.zeros(3, 4, dtype=torch.long), [1])
    assert blobs.shape == (0, 6) and (ids == 0).all()
