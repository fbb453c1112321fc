"""Street scenes for the poor: handwritten digits on photographs.

Scenes are composed of what scikit-learn carries inside its package, so that
the demo trains on real handwriting without a download: 1,797 scans of 8x8
pixels and two photographs. Scans are split between training and validation,
and so are the photographs' halves: nothing that a validation scene shows
was seen in training.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

from .devkit import Devkit

__all__ = ['DIGITS', 'DigitPainter', 'Scene', 'write_digits_voc']

DIGITS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven',
          'eight', 'nine')
SCENE_SIZE = 128
DIGIT_SIZES = (28, 64)
MAX_DIGITS = 4
MAX_ANGLE = 15
#: Share of a digit's box that another one may cover.
MAX_OVERLAP = 0.1
BORDER = 255
Box = tuple[int, int, int, int]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """An image and both of its labels.

    Attributes:
        image: (128, 128, 3) uint8, RGB.
        mask: (128, 128) uint8: 0 background, k + 1 digit k, 255 its border.
        boxes: (digit, box) pairs; boxes are 1-based inclusive corners in
            pixels, as VOC writes them.
    """
    image: Bytes
    mask: Bytes
    boxes: list[tuple[int, Box]]


class DigitPainter:
    """Composes the scenes of one part.

    Args:
        part: ``'train'`` or ``'val'``; they share neither scans nor
            halves of the photographs.
        num_val_scans: Scans kept for validation, of 1,797.
        split_seed: Seed of the split of the scans.

    Raises:
        DataError: scikit-learn is not installed.
    """

    def __init__(self,
                 part: str,
                 num_val_scans: int = 500,
                 split_seed: int = 0) -> None:
        try:
            from sklearn.datasets import load_digits, load_sample_images
        except ImportError as error:
            raise DataError('The digits come with scikit-learn, which is not '
                            'installed: pip install scikit-learn.') from error
        digits = load_digits()
        order = np.random.default_rng(split_seed).permutation(
            len(digits.images))
        mine = order[:num_val_scans] if part == 'val' else (
            order[num_val_scans:])
        self.scan_indices = np.sort(mine)
        self.scans = digits.images[self.scan_indices]
        self.digits = digits.target[self.scan_indices]
        self.photos = [
            _half(photo, part) for photo in load_sample_images().images
        ]

    def paint(self, rng: np.random.Generator) -> Scene:
        """Compose one scene of one to four digits."""
        image = self._background(rng)
        mask = np.zeros((SCENE_SIZE, SCENE_SIZE), np.uint8)
        boxes: list[tuple[int, Box]] = []
        for _ in range(rng.integers(1, MAX_DIGITS + 1)):
            index = rng.integers(len(self.scans))
            alpha = _stroke(self.scans[index], rng)
            place = _free_place(alpha, [box for _, box in boxes], rng)
            if place is None:
                continue
            box = _draw(image, mask, alpha, place, int(self.digits[index]),
                        rng)
            boxes.append((int(self.digits[index]), box))
        return Scene(image, mask, boxes)

    def _background(self, rng: np.random.Generator) -> Bytes:
        photo = self.photos[rng.integers(len(self.photos))]
        side = int(rng.integers(SCENE_SIZE * 3 // 4, min(photo.shape[:2])))
        top = rng.integers(photo.shape[0] - side + 1)
        left = rng.integers(photo.shape[1] - side + 1)
        crop = photo[top:top + side, left:left + side]
        small = cv2.resize(
            crop, (SCENE_SIZE, SCENE_SIZE), interpolation=cv2.INTER_AREA)
        dark: Bytes = (small * rng.uniform(0.2, 0.5)).astype(np.uint8)
        return dark


def write_digits_voc(out: str | Path,
                     num_train: int = 1200,
                     num_val: int = 200,
                     seed: int = 0) -> dict[str, int]:
    """Write the scenes in the VOC layout below ``out/VOCdevkit/Digits``.

    One half of the training scenes has an XML and no mask, the other half a
    mask and no XML; validation scenes have both. The lists are
    ``ImageSets/Main/{train,val}.txt`` and ``ImageSets/Segmentation/
    {train,val}.txt``. The same seed gives the same files.

    Args:
        out: Folder, made if need be.
        num_train: Scenes for training.
        num_val: Scenes for validation.
        seed: Seed of the scenes; the split of the scans does not depend on
            it.

    Returns:
        How many images, XMLs and masks were written.

    Raises:
        DataError: A count is not positive, or scikit-learn is missing.
    """
    if num_train < 2 or num_val < 1:
        raise DataError('The digits need at least two training scenes and '
                        f'one for validation, got {num_train} and {num_val}.')
    root = Devkit(Path(out) / 'VOCdevkit')
    counts = dict(images=0, xmls=0, masks=0)
    painters = dict(train=DigitPainter('train'), val=DigitPainter('val'))
    scenes = [('train', i) for i in range(num_train)]
    scenes += [('val', i) for i in range(num_val)]
    lists: dict[str, list[str]] = {}
    for part, i in progress(scenes, what='Scenes', unit='scene'):
        rng = np.random.default_rng((seed, part == 'val', i))
        tasks = ('det', 'seg') if part == 'val' else (('det', 'seg')[i % 2], )
        img_id = f'{part}_{i:05d}'
        _write(root, img_id, painters[part].paint(rng), tasks)
        counts['images'] += 1
        counts['xmls'] += 'det' in tasks
        counts['masks'] += 'seg' in tasks
        for task in tasks:
            folder = dict(det='Main', seg='Segmentation')[task]
            lists.setdefault(f'{folder}/{part}', []).append(img_id)
    for name, ids in lists.items():
        root.ids(ids, f'ImageSets/{name}.txt', year='Digits')
    return counts


def _write(root: Devkit, img_id: str, scene: Scene,
           tasks: Sequence[str]) -> None:
    path = root.path(f'Digits/JPEGImages/{img_id}.jpg')
    cv2.imwrite(
        str(path), scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    if 'det' in tasks:
        root.xml(img_id, [(DIGITS[d], box) for d, box in scene.boxes],
                 (SCENE_SIZE, SCENE_SIZE), 'Digits')
    if 'seg' in tasks:
        root.mask(img_id, scene.mask, 'Digits')


def _half(photo: Any, part: str) -> Bytes:
    """The left half of a photograph for training, the right one else."""
    middle = photo.shape[1] // 2
    half: Bytes = photo[:, middle:] if part == 'val' else photo[:, :middle]
    return half


def _stroke(scan: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A scan, enlarged and turned: opacities in [0, 1], cut to the ink."""
    size = int(rng.integers(DIGIT_SIZES[0], DIGIT_SIZES[1] + 1))
    # a margin of a pixel lets the ink fade out before the edge
    ink = np.pad(scan.astype(np.float32) / 16, 1)
    pad = size // 3  # room to turn
    side = size + 2 * pad
    scale = size / 8
    angle = float(rng.uniform(-MAX_ANGLE, MAX_ANGLE))
    turn: Any = cv2.getRotationMatrix2D((4.5, 4.5), angle, scale)
    turn[:, 2] += side / 2 - 4.5
    big = cv2.warpAffine(ink, turn, (side, side), flags=cv2.INTER_CUBIC)
    alpha = np.clip((big - 0.25) / 0.3, 0, 1)
    rows, columns = np.nonzero(alpha > 0.5)
    return alpha[rows.min():rows.max() + 1, columns.min():columns.max() + 1]


def _free_place(alpha: NDArray[Any], taken: Sequence[Box],
                rng: np.random.Generator) -> tuple[int, int] | None:
    """A corner (x, y) at which a digit covers little of the others."""
    height, width = alpha.shape
    if max(height, width) > SCENE_SIZE:
        return None
    for _ in range(30):
        x = int(rng.integers(SCENE_SIZE - width + 1))
        y = int(rng.integers(SCENE_SIZE - height + 1))
        new = (x + 1, y + 1, x + width, y + height)
        if all(_cover(new, old) <= MAX_OVERLAP for old in taken):
            return x, y
    return None


def _cover(a: Box, b: Box) -> float:
    """The intersection over the smaller one's area."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    smaller = min((box[2] - box[0] + 1) * (box[3] - box[1] + 1)
                  for box in (a, b))
    return max(width, 0) * max(height, 0) / smaller


def _draw(image: Bytes, mask: Bytes, alpha: NDArray[Any],
          place: tuple[int, int], digit: int,
          rng: np.random.Generator) -> Box:
    """Paint a digit into image and mask; return its 1-based box."""
    x, y = place
    height, width = alpha.shape
    window = np.s_[y:y + height, x:x + width]
    hsv: Any = np.array([[[
        rng.integers(180),
        rng.integers(60, 256),
        rng.integers(200, 256)
    ]]], np.uint8)
    colour = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    image[window] = (image[window] * (1 - alpha[..., None]) +
                     colour * alpha[..., None]).astype(np.uint8)
    ink: Bytes = np.zeros(mask.shape, np.uint8)
    ink[window] = alpha > 0.5
    around = np.asarray(cv2.dilate(ink, np.ones((3, 3), np.uint8))) > ink
    mask[ink > 0] = digit + 1
    mask[around] = BORDER
    return x + 1, y + 1, x + width, y + height
