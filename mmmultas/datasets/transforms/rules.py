"""How maps of each kind move with their image (DESIGN 2).

A rule registers in ``MAP_RULES`` under the name of its kind; a map is a NumPy
array (H, W) or (H, W, C) in the results of a pipeline.
"""
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.vectors import known_vectors, unit_vectors
from mmmultas.registry import MAP_RULES
from mmmultas.structures import CLASSES, DEPTH, EDGES, NORMALS, SALIENCY

__all__ = [
    'ClassRule', 'DepthRule', 'EdgeRule', 'MapRule', 'NormalRule', 'Window',
    'cut_window'
]

Map = NDArray[Any]
#: x1, y1, x2, y2 in pixels.
Window = tuple[int, int, int, int]


class MapRule:
    """Nearest neighbour, mirrored; ``fill`` where there is no image."""
    fill: float = IGNORE

    def resize(self, values: Map, size: tuple[int, int]) -> Map:
        """The map at (height, width) pixels."""
        return np.asarray(cv2.resize(
            values, size[::-1], interpolation=cv2.INTER_NEAREST))

    def flip(self, values: Map) -> Map:
        """The map mirrored left and right."""
        return np.asarray(cv2.flip(values, 1))

    def cut(self, values: Map, window: Window) -> Map:
        """The part in a window, which may reach beyond the map."""
        return cut_window(values, window, self.fill)

    def turn(self, values: Map, matrix: NDArray[Any]) -> Map:
        """The map turned and scaled, of its own size.

        Args:
            values: The map.
            matrix: (2, 3), from points to where they come, in pixels whose
                centres are whole numbers.
        """
        return np.asarray(cv2.warpAffine(
            values, matrix, values.shape[1::-1], flags=cv2.INTER_NEAREST,
            borderValue=[float(self.fill)] * 4))

    def zoom(self, values: Map, factor: float) -> Map:
        """The map after the camera has come closer by a factor."""
        return values


@MAP_RULES.register_module(name=CLASSES)
@MAP_RULES.register_module(name=SALIENCY)
class ClassRule(MapRule):
    """Numbers of classes; 255 takes no part."""


@MAP_RULES.register_module(name=EDGES)
class EdgeRule(MapRule):
    """0, 1 and 255; a line of one pixel survives where the map shrinks."""

    def resize(self, values: Map, size: tuple[int, int]) -> Map:
        """The maximum of the pixels that meet; nearest where it grows."""
        out = values
        for axis in (0, 1):
            if size[axis] < out.shape[axis]:
                out = _shrunken(out, axis, size[axis])
        return super().resize(out, size)


def _shrunken(values: Map, axis: int, length: int) -> Map:
    """An edge map made smaller along one axis by the maximum."""
    shape = list(values.shape[:2])
    shape[axis] = length
    edge, void = (
        cv2.resize((values == value).astype(np.float32), shape[::-1],
                   interpolation=cv2.INTER_AREA) for value in (1, IGNORE))
    out = (edge > 1e-4).astype(np.uint8)
    out[(out == 0) & (void > .5)] = IGNORE
    return out


@MAP_RULES.register_module(name=DEPTH)
class DepthRule(MapRule):
    """Metres (or another unit); 0 is invalid."""
    fill = 0

    def zoom(self, values: Map, factor: float) -> Map:
        """What is enlarged by a factor is nearer by that factor."""
        return values / np.float32(factor)


@MAP_RULES.register_module(name=NORMALS)
class NormalRule(MapRule):
    """Unit vectors (x, y, z); (0, 0, 0) is invalid."""
    fill = 0

    def resize(self, values: Map, size: tuple[int, int]) -> Map:
        """Bilinear over valid pixels, of length 1 again.

        A pixel is valid if more than half of what it is made of is.
        """
        known = known_vectors(values).astype(np.float32)
        out = np.asarray(cv2.resize(values, size[::-1]), np.float32)
        share = np.asarray(cv2.resize(known, size[::-1]))
        return unit_vectors(out, share > .5).astype(values.dtype, copy=False)

    def turn(self, values: Map, matrix: NDArray[Any]) -> Map:
        """Cubic over valid pixels, of length 1 again; x and y turn, too."""
        size = values.shape[1::-1]
        known = known_vectors(values).astype(np.float32)
        out = np.asarray(cv2.warpAffine(
            values.astype(np.float32), matrix, size,
            flags=cv2.INTER_CUBIC), np.float32)
        share = np.asarray(cv2.warpAffine(known, matrix, size))
        scale = np.linalg.det(matrix[:, :2])**.5
        out[..., :2] = out[..., :2] @ (matrix[:, :2].T / scale)
        return unit_vectors(out, share > .5).astype(values.dtype, copy=False)

    def flip(self, values: Map) -> Map:
        """Mirrored, and x points to the other side."""
        out: Map = np.array(cv2.flip(values, 1), np.float32)
        out[..., 0] *= -1
        return out


def cut_window(image: NDArray[Any], window: Window,
               fill: float) -> NDArray[Any]:
    """``image[y1:y2, x1:x2]``, with ``fill`` where there is no image.

    Args:
        image: (H, W) or (H, W, C), of any type of numbers, which stays.
        window: x1, y1, x2, y2 in pixels; may lie beyond the image.
        fill: Level of the pixels outside.

    Returns:
        (y2 − y1, x2 − x1) or with C; a view if nothing lies outside.

    Example:
        >>> cut_window(np.uint8([[1, 2]]), (1, 0, 3, 2), 9).tolist()
        [[2, 9], [9, 9]]
    """
    x1, y1, x2, y2 = window
    height, width = image.shape[:2]
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        return image[y1:y2, x1:x2]
    out = np.full((y2 - y1, x2 - x1, *image.shape[2:]), fill, image.dtype)
    seen = image[max(y1, 0):max(y2, 0), max(x1, 0):max(x2, 0)]
    top, left = max(-y1, 0), max(-x1, 0)
    out[top:top + seen.shape[0], left:left + seen.shape[1]] = seen
    return out
