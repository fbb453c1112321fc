"""From files to arrays; a broken file is named, never half read."""
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from numpy.typing import NDArray
from PIL import Image

from mmmultas.datasets.colours import colour_codes, colour_name
from mmmultas.datasets.label_map import INVALID
from mmmultas.datasets.mask_runs import MaskRuns, RunCache
from mmmultas.registry import TRANSFORMS
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError

__all__ = ['LoadImage', 'LoadLabels', 'decode_colours', 'decode_mask']

Results = dict[str, Any]
_PNG = b'\x89PNG\r\n\x1a\n'
_GREY, _PALETTE = 0, 3
_INVALID = np.array([INVALID], np.float64)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read ``img_path`` as BGR, uint8, (H, W, 3).

    Grey, CMYK, 16-bit and transparent pictures become plain BGR. Sets
    ``img``, ``img_shape`` and ``ori_shape`` (h, w).

    Args:
        exif: Turn the picture as its EXIF tag says. Off by default: boxes
            and masks are drawn on the raw pixels.

    Raises:
        DataError: A file that is missing, truncated or no picture.
    """

    def __init__(self, exif: bool = False) -> None:
        self.flags = cv2.IMREAD_COLOR if exif else (
            cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)

    def transform(self, results: Results) -> Results:
        """Add the picture to ``results``."""
        path = results['img_path']
        data = _read(path, 'image')
        if _truncated(data):
            raise DataError(f'{path} is truncated; replace the image.')
        img = _decode(data, self.flags)
        if img is None:
            raise DataError(f'{path} is no image that can be decoded; '
                            f'replace it.')
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results


@TRANSFORMS.register_module()
class LoadLabels(BaseTransform):
    """Turn the labels of the record, those that it has, into arrays.

    'det' in ``tasks``: ``gt_bboxes`` (HorizontalBoxes, pixels of the
    original image), ``gt_bboxes_labels`` int64, ``gt_ignore_flags`` bool.
    'seg' in ``tasks``: ``gt_seg_map`` uint8 (H, W) of train ids, 255 =
    ignore. Nothing else is read.

    In training place it behind :class:`LoadImage`, in evaluation behind the
    resize, so that the labels stay in original pixels.

    Args:
        cache_mb: Masks of class numbers that were read stay in memory as
            runs, up to so many megabytes per process: some kilobytes each,
            and several times faster than the PNG. 0 switches it off.

    Raises:
        DataError: A mask that is missing, broken, of another size than its
            image, or with values outside the label set.
    """

    def __init__(self, cache_mb: float = 256) -> None:
        self._cache = RunCache(int(cache_mb * 2**20))

    def transform(self, results: Results) -> Results:
        """Add the labels to ``results``."""
        if DET in results['tasks']:
            _load_boxes(results)
        if SEG in results['tasks']:
            if results.get('seg_colours') is None:
                results['gt_seg_map'] = self._load_numbers(results)
            else:
                results['gt_seg_map'] = _load_colours(results)
        return results

    def _load_numbers(self, results: Results) -> NDArray[np.uint8]:
        path = results['seg_map_path']
        runs = self._cache.get(path)
        if runs is None:
            raw = decode_mask(_read(path, 'mask'), path)
            _check_size(raw, results)
            runs = MaskRuns.of(raw)
            self._cache.put(path, runs)
        table = results['seg_lut']
        wrong = table[runs.values] == INVALID
        if wrong.any():
            _check_values(np.unique(runs.values[wrong]).tolist(), path, str)
        return runs.mask(table)


def _load_colours(results: Results) -> NDArray[np.uint8]:
    path = results['seg_map_path']
    raw = decode_colours(_read(path, 'mask'), path)
    _check_size(raw, results)
    mask = results['seg_colours'].ids_of(raw)
    if cv2.hasNonZero(cv2.inRange(mask, _INVALID, _INVALID)):
        wrong = np.unique(raw[mask == INVALID]).tolist()
        _check_values(wrong, path, colour_name)
    return np.asarray(mask)


def _load_boxes(results: Results) -> None:
    things = results['instances']
    boxes = np.array([t['bbox'] for t in things], np.float32).reshape(-1, 4)
    results['gt_bboxes'] = HorizontalBoxes(torch.from_numpy(boxes))
    results['gt_bboxes_labels'] = np.array([t['bbox_label'] for t in things],
                                           np.int64)
    results['gt_ignore_flags'] = np.array([t['ignore_flag'] for t in things],
                                          bool)


def _check_size(raw: NDArray[Any], results: Results) -> None:
    height, width = results['ori_shape']
    if raw.shape != (height, width):
        raise DataError(
            f'{results["seg_map_path"]} is {raw.shape[1]}×{raw.shape[0]}, its '
            f'image {width}×{height} pixels; replace the mask.')


def _check_values(wrong: Sequence[int], path: str,
                  say: Callable[[int], str]) -> None:
    if len(wrong):
        some = ', '.join(say(value) for value in wrong[:5])
        raise DataError(f'{path} holds values outside the label set ({some}); '
                        f'mend the mask or name more `classes`.')


def decode_mask(data: bytes, path: str) -> NDArray[np.uint8]:
    """Decode a mask to its raw values: palette entries stay numbers.

    OpenCV turns palettes into colours (DESIGN trap 5). An 8-bit palette PNG
    is therefore presented to it as a grey one, by four changed bytes and no
    palette: twice as fast as Pillow.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint8.

    Raises:
        DataError: Truncated, not decodable, or with colours.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace the mask.')
    try:
        if data[:8] == _PNG:
            data = _palette_as_grey(data)
        mask = _decode(data, cv2.IMREAD_UNCHANGED)
    except (struct.error, IndexError, OSError):  # a broken header
        mask = None
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise DataError(f'{path} has colours or more than 8 bits; masks want '
                        f'one class number per pixel.')
    return np.asarray(mask)


def decode_colours(data: bytes, path: str) -> NDArray[np.uint32]:
    """Decode a mask whose classes are colours.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint32, 0xRRGGBB.

    Raises:
        DataError: Truncated or not decodable.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace the mask.')
    mask = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    return colour_codes(mask)


def _palette_as_grey(data: bytes) -> bytes:
    """Rewrite the header of a palette PNG; others pass unchanged."""
    depth, colour = data[24], data[25]
    if colour != _PALETTE:
        return data
    if depth != 8:
        return _unpacked(data)
    head = b'IHDR' + data[16:25] + bytes([_GREY]) + data[26:29]
    parts = [_PNG, _chunk(head)]
    parts += [
        data[start:end] for kind, start, end in _chunks(data)
        if kind in (b'IDAT', b'IEND')
    ]
    return b''.join(parts)


def _unpacked(data: bytes) -> bytes:
    """Values of 1, 2 or 4 bits, widened by Pillow: few files have them."""
    with Image.open(io.BytesIO(data)) as picture:
        values = np.array(picture)
    return bytes(cv2.imencode('.png', values)[1])


def _chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    found, start = [], len(_PNG)
    while start < len(data):
        size, = struct.unpack_from('>I', data, start)
        found.append((data[start + 4:start + 8], start, start + size + 12))
        start += size + 12
    return found


def _chunk(kind_and_body: bytes) -> bytes:
    return (struct.pack('>I',
                        len(kind_and_body) - 4) + kind_and_body +
            struct.pack('>I', zlib.crc32(kind_and_body)))


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise DataError(f'Cannot read the {what} {path} '
                        f'({error.strerror}).') from error


def _decode(data: bytes, flags: int) -> Any:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # an empty file, or larger than OpenCV allows
        return None


def _truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG ends early; OpenCV fills up with grey."""
    if data[:8] == _PNG:
        return b'IEND' not in data[-64:] and b'IEND' not in data
    if data[:2] != b'\xff\xd8' or data.endswith(b'\xff\xd9'):
        return False
    # bytes may follow the end marker, and a thumbnail has one of its own
    return data.rfind(b'\xff\xd9') <= data.rfind(b'\xff\xda')
