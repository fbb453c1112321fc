"""The papers' anchors (SPEC 3)."""
from collections.abc import Sequence

import torch
from torch import Tensor

from mmmultas.functional.boxes import (anchor_shapes, cxcywh_to_xyxy,
                                       grid_anchors)
from mmmultas.registry import TASK_UTILS
from mmmultas.utils.tracing import is_exporting

__all__ = ['AnchorGrid']


@TASK_UTILS.register_module()
class AnchorGrid:
    """Anchors of a pyramid, constant in pixels whatever the input size.

    Args:
        strides: Stride of each level in pixels.
        base_size: Side of the first level's anchors in pixels; each further
            level doubles it.
        scales: Factors of the side.
        ratios: Width over height.
    """

    def __init__(self,
                 strides: Sequence[int] = (8, 16, 32, 64),
                 base_size: float = 24,
                 scales: Sequence[float] = (1, 2**0.5),
                 ratios: Sequence[float] = (1, 2, 0.5)) -> None:
        self.strides = tuple(strides)
        self.shapes = [
            anchor_shapes(base_size * 2**i, tuple(scales), tuple(ratios))
            for i in range(len(self.strides))
        ]
        self._cache: dict[tuple, Tensor] = {}

    @property
    def num_base_anchors(self) -> int:
        """Anchors per location."""
        return len(self.shapes[0])

    def grid(self, featmap_sizes: Sequence[torch.Size],
             device: torch.device) -> Tensor:
        """All levels' anchors as (A, 4) float32 corners in pixels.

        The image's size is that of the first level times its stride.
        """
        sizes = tuple((int(h), int(w)) for h, w in featmap_sizes)
        key = (sizes, device)
        if key not in self._cache:
            if is_exporting():  # what is made there is no tensor yet
                return self._make(sizes, device)
            if len(self._cache) > 16:  # multi-scale has a handful of sizes
                self._cache.clear()
            self._cache[key] = self._make(sizes, device)
        return self._cache[key]

    def _make(self, sizes: tuple[tuple[int, int], ...],
              device: torch.device) -> Tensor:
        image_size = (sizes[0][0] * self.strides[0],
                      sizes[0][1] * self.strides[0])
        levels = [
            grid_anchors(shapes.to(device), size, stride, image_size)
            for shapes, size, stride in zip(self.shapes, sizes, self.strides)
        ]
        return cxcywh_to_xyxy(torch.cat(levels))
