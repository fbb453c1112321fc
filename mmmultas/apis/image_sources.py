"""Pictures to predict on: files, folders, arrays and videos."""
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import DataError

__all__ = ['Source', 'Video', 'image_sources', 'is_video']

IMAGES = {
    '.bmp', '.jpeg', '.jpg', '.jp2', '.pgm', '.png', '.ppm', '.tif', '.tiff',
    '.webp'
}
VIDEOS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm'}


class Source(NamedTuple):
    """One picture.

    Attributes:
        path: Its file or video, None for an array.
        image: (H, W, 3) uint8 BGR; None: still to be read from ``path``.
        frame: Number in its video, from 0.
    """
    path: Path | None
    image: NDArray[np.uint8] | None = None
    frame: int | None = None


def is_video(path: Any) -> bool:
    """Whether a path is that of a video, by its ending."""
    return isinstance(path, str | Path) and Path(
        path).suffix.lower() in VIDEOS


def image_sources(given: Any) -> list[Source]:
    """List the pictures of a path, a folder, an array or a list of them.

    A folder gives its own pictures by name, without those of folders in it.

    Raises:
        DataError: A path that does not exist, a folder without pictures, or
            an array that is no picture.
    """
    if isinstance(given, np.ndarray):
        return [Source(None, _checked(given))]
    if isinstance(given, str | Path):
        refuse_address(given)
        path = Path(given).expanduser()
        if path.is_dir():
            return _folder(path)
        if not path.is_file():
            raise DataError(f'{path} does not exist: check the path.')
        return [Source(path)]
    if isinstance(given, Sequence):
        return [source for one in given for source in image_sources(one)]
    raise DataError('Pictures are a path, a folder, an (H, W, 3) array or a '
                    f'list of them, not a {type(given).__name__}.')


def refuse_address(given: str | Path) -> None:
    """Nothing is downloaded: who predicts says what is opened.

    Raises:
        DataError: An address where a file is wanted.
    """
    if isinstance(given, str) and '://' in given:
        raise DataError(f'{given} is an address: download it (curl -O '
                        f'{given}) and name the file.')


def _folder(path: Path) -> list[Source]:
    found = sorted(file for file in path.iterdir()
                   if file.suffix.lower() in IMAGES and file.is_file())
    if not found:
        raise DataError(f'The folder {path} holds no pictures (endings '
                        f'{", ".join(sorted(IMAGES))}){_below(path)}.')
    return [Source(file) for file in found]


def _below(path: Path) -> str:
    """Which folders in a folder hold pictures, as the end of a sentence."""
    folders = sorted({
        str(file.parent) for file in path.rglob('*')
        if file.suffix.lower() in IMAGES and file.is_file()})
    if not folders:
        return ''
    some = ' '.join(map(shlex.quote, folders[:3]))
    more = f' (and {len(folders) - 3} more)' if folders[3:] else ''
    return (f', but folders in it do: name '
            f'{"these" if folders[1:] else "that"}, {some}{more}')


def _checked(image: NDArray) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 \
            or not image.size:
        raise DataError('An array that is a picture is (H, W, 3) uint8 in '
                        f'BGR order, not {image.shape} {image.dtype}.')
    return image


class Video:
    """Frames of a video file, one after the other.

    Args:
        path: The file.

    Raises:
        DataError: It does not exist or cannot be decoded.
    """

    def __init__(self, path: str | Path) -> None:
        refuse_address(path)
        self.path = Path(path).expanduser()
        if not self.path.is_file():
            raise DataError(f'{self.path} does not exist: check the path.')
        reader = self._open()
        self.fps = float(reader.get(cv2.CAP_PROP_FPS)) or 25.0
        #: As the file says it; some files are wrong.
        self.count = max(int(reader.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        reader.release()

    def _open(self) -> cv2.VideoCapture:
        reader = cv2.VideoCapture(str(self.path))
        if not reader.isOpened():
            raise DataError(f'{self.path} is no video that can be decoded; '
                            'convert it to mp4.')
        return reader

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Source]:
        reader = self._open()
        frame = 0
        try:
            while True:
                good, image = reader.read()
                if not good:
                    break
                yield Source(self.path, np.asarray(image, np.uint8), frame)
                frame += 1
        finally:
            reader.release()
        if frame == 0:
            raise DataError(f'{self.path} holds no frame that can be '
                            'decoded; convert it to mp4.')
