"""What writes the prediction of a task into a file."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from mmmultas.datasets.decode import decode_values
from mmmultas.datasets.files import read_bytes
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, DataError

__all__ = ['MapWriter', 'read_png', 'write_png']


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


    def read(self, path: Path) -> NDArray[Any]:
        """Read what :meth:`write` wrote, for analyses of a test's files.

        Raises:
            ConfigError: The kind's writer cannot.
            DataError: A broken file.
        """
        raise ConfigError(f'{path}: {type(self).__name__} cannot read what '
                          'it writes: give it a `read` (apis/writers).')


def read_png(path: Path) -> NDArray[Any]:
    """The values of a PNG, channels in OpenCV's order.

    Raises:
        DataError: Missing or broken.
    """
    return decode_values(read_bytes(path, 'map'), str(path))


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
