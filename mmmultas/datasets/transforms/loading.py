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
from mmmultas.datasets.files import PNG, read_bytes, refuse_bomb
from mmmultas.datasets.label_map import INVALID
from mmmultas.datasets.mask_runs import MaskRuns, RunCache
from mmmultas.registry import TRANSFORMS
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError
from mmmultas.utils.pictures import decode_bgr

__all__ = [
    'LoadImage', 'LoadLabels', 'decode_colours', 'decode_ids', 'decode_mask'
]

Results = dict[str, Any]
_GREY, _PALETTE = 0, 3
_ANIMATED = {b'acTL', b'fcTL', b'fdAT'}
_INVALID = np.array([INVALID], np.float64)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read ``img_path`` as BGR, uint8, (H, W, 3).

    Grey, CMYK, 16-bit and transparent pictures become plain BGR. Sets
    ``img``, ``img_shape`` and ``ori_shape`` (h, w), and ``exif``, by which
    whoever draws the picture later turns it alike.

    Args:
        exif: Turn the picture as its EXIF tag says, as annotation tools show
            it. ``False``: labels were drawn on the pixels as stored.

    Raises:
        DataError: A file that is missing, truncated or no picture.
    """

    def __init__(self, exif: bool = True) -> None:
        self.exif = exif

    def transform(self, results: Results) -> Results:
        """Add the picture to ``results``."""
        path = results['img_path']
        data = read_bytes(path, 'image')
        if _truncated(data):
            raise DataError(f'{path} is truncated; replace the image.')
        refuse_bomb(data, path, 'image')
        img = _safely(lambda still: decode_bgr(still, self.exif), data)
        if img is None:
            raise DataError(f'{path} is no image that can be decoded; '
                            f'replace it.')
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        results['exif'] = self.exif
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
            # what MMSegmentation's transforms move along with the image
            results['seg_fields'] = ['gt_seg_map']
        return results

    def _load_numbers(self, results: Results) -> NDArray[np.uint8]:
        path = results['seg_map_path']
        runs = self._cache.get(path)
        if runs is None:
            raw = decode_mask(read_bytes(path, 'mask'), path)
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
    raw = decode_colours(read_bytes(path, 'mask'), path)
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
        mend = 'replace the mask'
        if raw.shape == (width, height) and results.get('exif'):
            mend = ('if the EXIF tag of the image turns it and its mask lies '
                    'as the file is stored, load with '
                    'LoadImage(exif=False), else replace the mask')
        raise DataError(
            f'{results["seg_map_path"]} is {raw.shape[1]}×{raw.shape[0]}, its '
            f'image {width}×{height} pixels; {mend}.')


def _check_values(wrong: Sequence[int], path: str,
                  say: Callable[[int], str]) -> None:
    if len(wrong):
        some = ', '.join(say(value) for value in wrong[:5])
        raise DataError(f'{path} holds values outside the label set ({some}); '
                        f'mend the mask or name more `classes`.')


def decode_mask(data: bytes, path: str) -> NDArray[np.uint8]:
    """Decode a mask to its raw values: palette entries stay numbers.

    OpenCV turns palettes into colours (DESIGN trap 5) and stretches values
    of less than 8 bits. An 8-bit PNG is therefore presented to it as a grey
    one without palette, by four changed bytes: twice as fast as Pillow.

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
    refuse_bomb(data, path, 'mask')
    try:
        if data[:8] == PNG:
            data = _plain_numbers(data)
        mask = _decode(data)
    except (struct.error, IndexError):  # a broken header
        mask = None
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise DataError(f'{path} has colours or more than 8 bits; masks want '
                        f'one class number per pixel.')
    return np.asarray(mask)


def decode_ids(data: bytes, path: str) -> NDArray[np.uint16]:
    """Decode a picture of one number of up to 16 bits per pixel.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint16.

    Raises:
        DataError: Truncated, not decodable, or with colours.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace it.')
    refuse_bomb(data, path, 'mask')
    ids = _decode(data)
    if ids is None:
        raise DataError(f'{path} is no picture that can be decoded; replace '
                        f'it.')
    if ids.ndim != 2 or ids.dtype not in (np.uint8, np.uint16):
        raise DataError(f'{path} has colours; numbers of instances want one '
                        f'channel.')
    return np.asarray(ids, np.uint16)


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
    refuse_bomb(data, path, 'mask')
    mask = _safely(lambda still: decode_bgr(still, exif=False), data)
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    return colour_codes(mask)


def _plain_numbers(data: bytes) -> bytes:
    """Rewrite a PNG of one channel so that its values are numbers."""
    depth, colour = data[24], data[25]
    if colour not in (_GREY, _PALETTE) or depth > 8:
        return data
    if depth < 8:
        return _widened(data)
    return _rewritten(data, _GREY)


def _rewritten(data: bytes, colour: int, palette: bytes = b'') -> bytes:
    head = b'IHDR' + data[16:25] + bytes([colour]) + data[26:29]
    parts = [PNG, _chunk(head), palette]
    parts += [
        data[start:end] for kind, start, end in _chunks(data)
        if kind in (b'IDAT', b'IEND')
    ]
    return b''.join(parts)


def _widened(data: bytes) -> bytes:
    """1, 2 or 4 bits to 8 by Pillow, which leaves palette entries alone."""
    grey = bytes(i for i in range(2**data[24]) for _ in range(3))
    data = _rewritten(data, _PALETTE, _chunk(b'PLTE' + grey))
    try:
        with Image.open(io.BytesIO(data), formats=('PNG', )) as picture:
            values = np.array(picture)
    except Exception:  # Pillow's readers raise whatever they stumble over
        return b''
    return bytes(cv2.imencode('.png', values)[1])


def _chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of a PNG's chunks up to the last one.

    Raises:
        struct.error: One says that it is longer than the file; OpenCV would
            take up to 4 GiB of memory for it.
    """
    found: list[tuple[bytes, int, int]] = []
    start, kind = len(PNG), b''
    while kind != b'IEND':
        size, kind = struct.unpack_from('>I4s', data, start)
        end = start + size + 12
        if end > len(data):
            raise struct.error('a chunk ends behind the file')
        found.append((kind, start, end))
        start = end
    return found


def _chunk(kind_and_body: bytes) -> bytes:
    return (struct.pack('>I',
                        len(kind_and_body) - 4) + kind_and_body +
            struct.pack('>I', zlib.crc32(kind_and_body)))


def _decode(data: bytes) -> Any:
    """Decode to the values that the file holds."""
    return _safely(
        lambda still: cv2.imdecode(
            np.frombuffer(still, np.uint8), cv2.IMREAD_UNCHANGED), data)


def _safely(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(_still(data) if data[:8] == PNG else data)
    except (cv2.error, struct.error):  # an empty file, a cut chunk
        return None


def _still(data: bytes) -> bytes:
    """A PNG without its animation: OpenCV crashes on broken ones."""
    chunks = _chunks(data)
    if not any(kind in _ANIMATED for kind, _, _ in chunks):
        return data
    return PNG + b''.join(data[start:end] for kind, start, end in chunks
                          if kind not in _ANIMATED)


def _truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG ends early; OpenCV fills up with grey."""
    if data[:8] == PNG:
        return b'IEND' not in data[-64:] and b'IEND' not in data
    if data[:2] != b'\xff\xd8' or data.endswith(b'\xff\xd9'):
        return False
    # bytes may follow the end marker, and a thumbnail has one of its own
    return data.rfind(b'\xff\xd9') <= data.rfind(b'\xff\xda')
