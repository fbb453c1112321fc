"""Connected parts of a mask, by OpenCV."""
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

__all__ = ['blobs_of']


def blobs_of(mask: Tensor, classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """8-connected parts of some classes.

    Args:
        mask: (H, W) class of every pixel; other numbers belong to none.
        classes: Pixel classes that are looked for.

    Returns:
        tuple: (H, W) int64, number of each pixel's blob plus 1, 0 for none;
        (B, 6) int64 of x1, y1, x2, y2, area and class, ends exclusive,
        sorted by class, then by their upper left corners.

    Example:
        >>> ids, blobs = blobs_of(torch.tensor([[0, 2, 2], [2, 0, 0]]), [2])
        >>> blobs.tolist()
        [[0, 0, 3, 2, 3, 2]]
    """
    values = mask.detach().cpu().numpy()
    ids = np.zeros(values.shape, np.int64)
    rows: list[list[int]] = []
    for label in sorted(set(classes) & set(np.unique(values).tolist())):
        _, numbers, stats, _ = cv2.connectedComponentsWithStats(
            (values == label).astype(np.uint8), connectivity=8)
        x, y, w, h, area = stats[1:].T.astype(np.int64)
        order = np.lexsort((x, y))
        table = np.concatenate([[0], np.argsort(order) + 1 + len(rows)])
        ids += np.where(numbers > 0, table[numbers], 0)
        found = np.stack([x, y, x + w, y + h, area, np.full_like(x, label)], 1)
        rows += found[order].tolist()
    blobs = torch.tensor(rows, dtype=torch.long).reshape(-1, 6)
    return torch.from_numpy(ids).to(mask.device), blobs.to(mask.device)
