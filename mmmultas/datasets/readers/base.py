"""What turns the source of a label into an array."""
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.decode import decode_values
from mmmultas.datasets.files import read_bytes
from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.mask_runs import RunCache
from mmmultas.utils.errors import ConfigError, DataError

__all__ = ['BoxLabels', 'LabelReader', 'check_size', 'read_values']

Results = dict[str, Any]


@dataclass(frozen=True)
class BoxLabels:
    """Boxes of an image.

    Attributes:
        bboxes: (M, 4) float32, xyxy in pixels.
        labels: (M,) int64.
        ignored: (M,) bool.
    """
    bboxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignored: NDArray[np.bool_]

    def chosen(self, keep: NDArray[np.bool_]) -> 'BoxLabels':
        """Those of the M that ``keep`` says."""
        return BoxLabels(self.bboxes[keep], self.labels[keep],
                         self.ignored[keep])

    def at(self, bboxes: NDArray[Any]) -> 'BoxLabels':
        """The same boxes, moved to ``bboxes`` (M, 4)."""
        return BoxLabels(bboxes.astype(np.float32), self.labels, self.ignored)

    def joined(self, other: 'BoxLabels') -> 'BoxLabels':
        """These and those of another."""
        return BoxLabels(
            np.concatenate([self.bboxes, other.bboxes]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.ignored, other.ignored]))


class LabelReader:
    """Reads labels of one kind; registered in ``READERS`` by its name.

    ``keys`` names what it takes of a data set's ``labels`` beside the path.

    Args:
        cache: Runs of masks that were read.
    """

    keys: tuple[str, ...] = ()

    def __init__(self, cache: RunCache) -> None:
        self.cache = cache

    @classmethod
    def check(cls, key: str, source: dict[str, Any]) -> None:
        """Refuse what it would not read.

        Args:
            key: Config key, for messages.
            source: What the config says.

        Raises:
            ConfigError: An unknown key.
        """
        for name in source:
            if name not in cls.keys:
                have = ', '.join(cls.keys) or 'none'
                raise ConfigError(f'{key} has the unknown key {name!r}; its '
                                  f'reader takes {have}.')

    def read(self, source: dict[str, Any], results: Results) -> Any:
        """The label as an array of the original image's size, or as boxes.

        Args:
            source: What the record says of the label; its ``path``, say.
            results: The record with its image: ``ori_shape`` (h, w).

        Raises:
            DataError: A file that is missing, broken, or does not fit.
        """
        raise NotImplementedError

    def unusable(self, source: Mapping[str, Any]) -> tuple[int, int]:
        """Pixels that this kind cannot use, and that look like a mistake.

        Args:
            source: As for :meth:`read`.

        Returns:
            tuple: Pixels below 0 (0 if all have one value, which is a mark),
            and pixels that are NaN or infinite.
        """
        return 0, 0

    def known(self, label: NDArray[Any]) -> NDArray[np.bool_]:
        """Pixels (H, W) that say something: no NaN, and not 255 of 8 bits.

        Args:
            label: What :meth:`read` gave, (H, W) or (H, W, C).
        """
        said: NDArray[np.bool_] = np.isfinite(label)
        if label.dtype == np.uint8:
            said = label != IGNORE
        return np.asarray(said.all(2) if said.ndim == 3 else said)


def read_values(path: str) -> NDArray[Any]:
    """The values of a picture, an EXR or a .npy file, as they are stored.

    Args:
        path: The file.

    Returns:
        (H, W) or (H, W, C); pictures of three channels as RGB.

    Raises:
        DataError: Missing, broken, or no array of numbers.
    """
    data = read_bytes(path, 'label')
    if path.endswith('.npy'):
        try:
            values = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f'{path} is no .npy file of numbers ({error}); '
                            'replace it.') from error
        if values.dtype.kind not in 'fiu' or values.ndim not in (2, 3):
            raise DataError(f'{path} holds {values.dtype} of shape '
                            f'{values.shape}, a map wants numbers (H, W) or '
                            '(H, W, C); replace it.')
        return np.asarray(values)
    if path.endswith('.exr') and data[:4] != b'\x76\x2f\x31\x01':
        raise DataError(f'{path} is no EXR file; replace it.')
    values = decode_values(data, path)
    return values[..., ::-1] if values.ndim == 3 else values


def check_size(values: NDArray[Any], path: str, results: Results) -> None:
    """Compare a map with its image.

    Raises:
        DataError: Another size.
    """
    height, width = results['ori_shape']
    if values.shape[:2] != (height, width):
        mend = 'replace the label'
        if values.shape[:2] == (width, height) and results.get('exif'):
            mend = ('if the EXIF tag of the image turns it and its mask lies '
                    'as the file is stored, load with '
                    'LoadImage(exif=False), else replace the mask')
        raise DataError(
            f'{path} is {values.shape[1]}×{values.shape[0]}, its image '
            f'{width}×{height} pixels; {mend}.')
