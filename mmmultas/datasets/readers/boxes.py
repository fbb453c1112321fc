"""Boxes: they are in the record already."""
from typing import Any

import numpy as np

from mmmultas.registry import READERS
from mmmultas.structures import BOXES

from .base import BoxLabels, LabelReader

__all__ = ['BoxReader']


@READERS.register_module(name=BOXES)
class BoxReader(LabelReader):
    """``instances`` of a source: ``bbox``, ``bbox_label``, ``ignore_flag``."""

    def read(self, source: dict[str, Any],
             results: dict[str, Any]) -> BoxLabels:
        """The boxes in pixels of the original image."""
        things = source['instances']
        return BoxLabels(
            np.array([t['bbox'] for t in things], np.float32).reshape(-1, 4),
            np.array([t['bbox_label'] for t in things], np.int64),
            np.array([t['ignore_flag'] for t in things], bool))
