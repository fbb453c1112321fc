"""What draws the labels or predictions of a task."""
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.visualization.drawing import Colour, Picture, class_colours

__all__ = ['Painter', 'as_array', 'heat_of', 'planes']


class Painter:
    """Draws one kind; registered in ``PAINTERS`` by its name.

    Args:
        meta: Metainfo of the task: ``classes``, ``palette``, ``unit``.
        alpha: Opacity of what is drawn over an image, in [0, 1].
    """

    #: What :meth:`error` shows.
    error_title = ''

    def __init__(self, meta: Mapping[str, Any], alpha: float = 0.5) -> None:
        self.meta = meta
        self.alpha = alpha

    def fit(self, values: Sequence[Any]) -> None:
        """Look at all that will be painted of an image, the truth first.

        What is shown side by side needs one scale of colours.

        Args:
            values: Fields of samples, at least one.
        """

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of a label or a prediction.

        Args:
            image: (H, W, 3) uint8 RGB, already enlarged; not changed.
            value: The field of a sample: instances, or a map.
            scale: By which the image was enlarged.
        """
        raise NotImplementedError

    def error(self, image: Picture, truth: Any, value: Any) -> Picture | None:
        """A picture of how wrong each pixel is, None of kinds without one.

        Args:
            image: (H, W, 3) uint8 RGB, for the size.
            truth: The label, a map.
            value: The prediction.
        """
        return None

    def legend(self, value: Any) -> list[tuple[str, Colour]]:
        """Names and colours that the picture needs below it."""
        return []

    def classes(self) -> tuple[tuple[str, ...], list[Colour]]:
        """Names of the classes and their colours."""
        names = tuple(self.meta.get('classes', ()))
        first = 0 if names[:1] == ('background', ) else 1
        return names, class_colours(
            len(names), self.meta.get('palette'), first)


def heat_of(share: NDArray[Any], known: NDArray[np.bool_]) -> Picture:
    """Shares (H, W) of the worst error as colours; the unknown is black."""
    levels = (255 * share.clip(0, 1)).astype(np.uint8)
    drawn = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.where(known[..., None], drawn, 0).astype(np.uint8)


def as_array(values: Any) -> NDArray[Any]:
    """A tensor (or boxes) as an array."""
    values = getattr(values, 'tensor', values)
    return np.asarray(values.detach().cpu().numpy())


def planes(value: Any,
           size: Sequence[int],
           nearest: bool = True) -> NDArray[Any]:
    """A map (C, H, W) as (h, w) or (h, w, C) of another size."""
    data = as_array(value.sem_seg if 'sem_seg' in value else value.data)
    data = data.reshape(-1, *data.shape[-2:]).transpose(1, 2, 0)
    data = data.astype(np.float32)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(
        data, (size[1], size[0]), interpolation=how))
