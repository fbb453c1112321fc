"""What writes the prediction of a task into a file."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import DataError

__all__ = ['MapWriter', 'write_png']


class MapWriter:
    """Writes maps of one kind; registered in ``WRITERS`` by its name.

    Args:
        meta: Metainfo of the task: ``classes``, ``palette``, ``unit``.
    """
    #: End of the files' names.
    suffix = '.png'

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self.meta = meta

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write one map.

        Args:
            path: The file, with :attr:`suffix`.
            values: (H, W) or (H, W, C), as an inferencer gives them.
        """
        raise NotImplementedError


def write_png(path: Path, picture: NDArray[Any]) -> None:
    """Write a picture, in OpenCV's order of channels, wholly or not at all.

    Raises:
        DataError: It cannot be written.
    """
    done, data = cv2.imencode('.png', picture)
    if not done:
        raise DataError(f'{path} cannot be written as a PNG.')
    with atomic_path(path) as part:
        part.write_bytes(data.tobytes())
