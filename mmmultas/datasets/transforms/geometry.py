"""Image, boxes and mask move together, whichever of them are there.

A withheld label is not in ``results`` and so decides nothing: the crop test
asks boxes where there are boxes and masks where there are masks.
"""
import random
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from numpy.typing import NDArray

from mmmultas.datasets.label_map import IGNORE
from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

__all__ = [
    'CropExpand', 'RandomFlip', 'Squash', 'boxes_allow', 'cut_window',
    'foreground_allows'
]

Results = dict[str, Any]
Boxes = NDArray[np.float32]
Window = tuple[int, int, int, int]
_FOREGROUND = (np.array([1.]), np.array([IGNORE - 1.]))


@TRANSFORMS.register_module()
class Squash(BaseTransform):
    """Resize to one size, aspect ratio or not.

    Image bilinear, mask nearest. ``scale_factor`` (w, h) relates the result
    to the original image.

    Args:
        size: Side in pixels, or (height, width).

    Raises:
        ConfigError: A size that is no size.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 1:
            raise ConfigError(f'`size` of Squash must be positive, not '
                              f'{size}.')
        self.size = (height, width)

    def transform(self, results: Results) -> Results:
        """Resize whatever of image, boxes and mask is there."""
        old_h, old_w = results['img'].shape[:2]
        height, width = self.size
        if (old_h, old_w) != self.size:
            results['img'] = cv2.resize(results['img'], (width, height))
            if 'gt_seg_map' in results:
                results['gt_seg_map'] = cv2.resize(
                    results['gt_seg_map'], (width, height),
                    interpolation=cv2.INTER_NEAREST)
            if 'gt_bboxes' in results:
                scale = np.array([width / old_w, height / old_h])
                _set_boxes(results, _boxes(results) * np.tile(scale, 2))
        ori_h, ori_w = results.get('ori_shape', (old_h, old_w))
        results['img_shape'] = self.size
        results['scale_factor'] = (width / ori_w, height / ori_h)
        return results


@TRANSFORMS.register_module()
class CropExpand(BaseTransform):
    """Cut a random window that may reach beyond the image (SPEC 5).

    Height U(``height``) of the image's, width = height · U(``ratio``) or
    height / U(``ratio``), centre U(``centre``)²; up to 10 sizes with 10
    centres each, else the image stays as it is. A window is refused

    - if it covers a box by 25–75 % of the box's area, or holds the centre of
      none of the boxes (where there are any);
    - where there is a mask but no box label or both: if the foreground in it
      extends over 9 pixels or less in one direction. (An image that has no
      more foreground than that itself is not asked.)

    Boxes whose centre is inside stay and are cut to the window.

    Args:
        prob: Of doing anything.
        height: Range, as a share of the image's height.
        ratio: Range of the shorter by the longer relative side.
        centre: Range of the centre, as a share of the sides.
        min_extent: The foreground must extend over more pixels.
        background: Train id that is no foreground; None if every class is.
        img_fill: Grey level outside the image; masks get 255.
    """

    def __init__(self,
                 prob: float = .75,
                 height: tuple[float, float] = (.25, 1.75),
                 ratio: tuple[float, float] = (.5, 1.),
                 centre: tuple[float, float] = (.4, .6),
                 min_extent: int = 9,
                 background: int | None = 0,
                 img_fill: int = 114) -> None:
        self.prob = prob
        self.height = height
        self.ratio = ratio
        self.centre = centre
        self.min_extent = min_extent
        self.background = background
        self.img_fill = img_fill

    def transform(self, results: Results) -> Results:
        """Cut whatever of image, boxes and mask is there."""
        if random.random() >= self.prob:
            return results
        window = self._window(results)
        if window is None:
            return results
        results['img'] = cut_window(results['img'], window, self.img_fill)
        results['img_shape'] = results['img'].shape[:2]
        if 'gt_seg_map' in results:
            results['gt_seg_map'] = cut_window(results['gt_seg_map'], window,
                                               IGNORE)
        if 'gt_bboxes' in results:
            _cut_boxes(results, window)
        return results

    def _window(self, results: Results) -> Window | None:
        """The first window (x1, y1, x2, y2), in pixels, that may be."""
        height, width = results['img'].shape[:2]
        boxes = _boxes(results) if 'gt_bboxes' in results else None
        foreground = self._foreground(results)
        for _ in range(10):
            share_h = random.uniform(*self.height)
            ratio = random.uniform(*self.ratio)
            share_w = share_h * ratio if random.random() < .5 else (
                share_h / ratio)
            h = max(1, int(share_h * height))
            w = max(1, int(share_w * width))
            for _ in range(10):
                x1 = int(random.uniform(*self.centre) * width - w / 2)
                y1 = int(random.uniform(*self.centre) * height - h / 2)
                window = (x1, y1, x1 + w, y1 + h)
                if ((boxes is None or boxes_allow(boxes, window))
                        and (foreground is None or foreground_allows(
                            foreground, window, self.min_extent))):
                    return window
        return None

    def _foreground(self, results: Results) -> NDArray[Any] | None:
        """The mask's foreground as non-zero; None if nothing to protect."""
        if 'gt_seg_map' not in results:
            return None
        mask = results['gt_seg_map']
        if self.background == 0:
            found = cv2.inRange(mask, *_FOREGROUND)
        else:
            found = np.not_equal(mask, IGNORE).astype(np.uint8)
            if self.background is not None:
                found[mask == self.background] = 0
        whole = (0, 0, mask.shape[1], mask.shape[0])
        return found if foreground_allows(found, whole,
                                          self.min_extent) else None


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror left and right with probability ``prob``."""

    def __init__(self, prob: float = .5) -> None:
        self.prob = prob

    def transform(self, results: Results) -> Results:
        """Mirror whatever of image, boxes and mask is there."""
        flip = random.random() < self.prob
        results['flip'] = flip
        results['flip_direction'] = 'horizontal' if flip else None
        if not flip:
            return results
        results['img'] = cv2.flip(results['img'], 1)
        if 'gt_seg_map' in results:
            results['gt_seg_map'] = cv2.flip(results['gt_seg_map'], 1)
        if 'gt_bboxes' in results:
            boxes = _boxes(results)
            mirrored = boxes.copy()
            mirrored[:, 0::2] = results['img'].shape[1] - boxes[:, 2::-2]
            _set_boxes(results, mirrored)
        return results


def boxes_allow(boxes: Boxes, window: Window) -> bool:
    """Whether ``window`` leaves no box half visible and holds a centre.

    Args:
        boxes: (M, 4) xyxy in pixels; without any, every window may be.
        window: x1, y1, x2, y2 in pixels.
    """
    if not len(boxes):
        return True
    sides = (np.minimum(boxes[:, 2:], window[2:]) -
             np.maximum(boxes[:, :2], window[:2])).clip(0)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    share = sides.prod(1) / np.maximum(areas, 1e-6)
    half = (share > .25) & (share < .75)
    return not half.any() and bool(_inside(boxes, window).any())


def foreground_allows(foreground: NDArray[Any], window: Window,
                      min_extent: int) -> bool:
    """Whether more than ``min_extent`` pixels, both ways, are in view.

    Args:
        foreground: (H, W), non-zero where there is an object.
        window: x1, y1, x2, y2 in pixels.
        min_extent: In pixels.
    """
    x1, y1, x2, y2 = window
    seen = foreground[max(y1, 0):max(y2, 0), max(x1, 0):max(x2, 0)]
    if not seen.size:
        return False
    _, _, width, height = cv2.boundingRect(seen)
    return bool(min(width, height) > min_extent)


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


def _inside(boxes: Boxes, window: Window) -> NDArray[np.bool_]:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (centres > window[:2]) & (centres < window[2:])
    return np.asarray(inside.all(1))


def _cut_boxes(results: Results, window: Window) -> None:
    boxes = _boxes(results)
    keep = _inside(boxes, window)
    x1, y1, x2, y2 = window
    corner = np.array([x1, y1, x1, y1])
    end = np.array([x2 - x1, y2 - y1] * 2)
    _set_boxes(results, (boxes[keep] - corner).clip(0, end))
    for key in ('gt_bboxes_labels', 'gt_ignore_flags'):
        results[key] = results[key][keep]


def _boxes(results: Results) -> Boxes:
    boxes: Boxes = results['gt_bboxes'].tensor.numpy()
    return boxes


def _set_boxes(results: Results, boxes: NDArray[Any]) -> None:
    results['gt_bboxes'] = HorizontalBoxes(
        torch.from_numpy(boxes.astype(np.float32)))
