import cv2
import numpy as np
import pytest
import torch

from mmmultas.functional.colour_pairs import (colour_affinity, colour_likeness,
                                              rgb_to_lab)


def test_lab_is_opencvs():
    rgb = np.random.default_rng(0).random((6, 7, 3), np.float32)
    theirs = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    ours = rgb_to_lab(torch.from_numpy(rgb.transpose(2, 0, 1).copy()))
    torch.testing.assert_close(ours.permute(1, 2, 0),
                               torch.from_numpy(theirs), rtol=1e-3, atol=.3)
    red = rgb_to_lab(torch.tensor([1., 0, 0]).reshape(3, 1, 1)).flatten()
    torch.testing.assert_close(red, torch.tensor([53.24, 80.09, 67.20]),
                               rtol=1e-3, atol=.02)


def test_pairs_of_like_colour_pull_together():
    lab = torch.zeros(3, 5, 9)
    lab[:, :, 5:] = 90.
    inside = torch.ones(5, 9, dtype=torch.bool)
    alike = colour_likeness(lab)
    logits = torch.zeros(2, 5, 9)
    logits[1, :, :5], logits[0, :, 5:] = 20, 20
    total, count = colour_affinity(logits, alike, inside)
    assert count > 0 and total / count == pytest.approx(0, abs=1e-6)
    logits[1, :, 4] = -20  # one column of an object says otherwise
    worse, _ = colour_affinity(logits.requires_grad_(), alike, inside)
    assert worse / count > 1
    worse.backward()
    assert torch.isfinite(logits.grad).all()
