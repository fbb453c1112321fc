"""Image and labels move together, whichever of them are there.

A withheld label is not in ``results`` and so decides nothing: the crop test
asks boxes where there are boxes and masks where there are masks.
"""
import random
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmmultas.datasets.label_map import IGNORE
from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

from .in_view import cut_view, flip_view, lose_boxes, scale_view
from .labels import Boxes, Results, box_sets, each_map, set_boxes
from .rules import Window, cut_window
from .views import move_view

__all__ = [
    'CropExpand', 'RandomFlip', 'ScaleCrop', 'Squash', 'boxes_allow',
    'cut_all',
    'foreground_allows'
]

_FOREGROUND = (np.array([1.]), np.array([IGNORE - 1.]))


@TRANSFORMS.register_module()
class Squash(BaseTransform):
    """Resize to one size, aspect ratio or not.

    Image bilinear, labels by the rule of their kind. ``scale_factor`` (w, h)
    relates the result to the original image.

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
        """Resize the image and whatever labels are there."""
        old_h, old_w = results['img'].shape[:2]
        height, width = self.size
        if (old_h, old_w) != self.size:
            results['img'] = cv2.resize(results['img'], (width, height))
            for key, rule in each_map(results):
                results[key] = rule.resize(results[key], self.size)
            scale = np.array([width / old_w, height / old_h] * 2)
            for task, boxes in list(box_sets(results)):
                set_boxes(results, task, boxes * scale)
            scale_view(results, scale)
            move_view(results, np.diag([*scale[:2], 1]))
        ori_h, ori_w = results.get('ori_shape', (old_h, old_w))
        results['img_shape'] = self.size
        results['scale_factor'] = (width / ori_w, height / ori_h)
        return results


class _Cut(BaseTransform):
    """Cut a window, which may reach beyond the image.

    Boxes whose centre is inside stay and are cut to the window; what is still
    seen of others goes along as ``lost``, and the part of the window that
    shows the image as ``visible``. Depth is divided by the square root of
    the image's area by the window's, by which the window is enlarged when it
    is resized.

    Args:
        prob: Of doing anything.
        img_fill: Grey level outside the image; labels get that of their
            kind.
    """

    def __init__(self, prob: float = 1., img_fill: int = 114) -> None:
        self.prob = prob
        self.img_fill = img_fill

    def window(self, results: Results) -> Window | None:
        """A window (x1, y1, x2, y2) in pixels; None for the whole image."""
        raise NotImplementedError

    def transform(self, results: Results) -> Results:
        """Cut the image and whatever labels are there."""
        if random.random() >= self.prob:
            return results
        window = self.window(results)
        if window is None:
            return results
        old_h, old_w = results['img'].shape[:2]
        x1, y1, x2, y2 = window
        zoom = (old_h * old_w / ((y2 - y1) * (x2 - x1)))**.5
        return cut_all(results, window, zoom, self.img_fill)


@TRANSFORMS.register_module()
class CropExpand(_Cut):
    """Cut a random window that may reach beyond the image (SPEC 5).

    Height U(``height``) of the image's, width = height · U(``ratio``) or
    height / U(``ratio``), centre U(``centre``)²; up to 10 sizes with 10
    centres each, else the image stays as it is. A window is refused

    - if it covers a box by 25–75 % of the box's area, or holds the centre of
      none of the boxes (where there are any);
    - where there is a mask but no box label or both: if the foreground in it
      extends over 9 pixels or less in one direction. (An image that has no
      more foreground than that itself is not asked.)

    Labels follow as in :class:`ScaleCrop`.

    Args:
        prob: Of doing anything.
        height: Range, as a share of the image's height.
        ratio: Range of the shorter by the longer relative side.
        centre: Range of the centre, as a share of the sides.
        min_extent: The foreground must extend over more pixels.
        background: Train id that is no foreground; None if every class is.
        img_fill: Grey level outside the image; labels get that of their
            kind.
    """

    def __init__(self,
                 prob: float = .75,
                 height: tuple[float, float] = (.25, 1.75),
                 ratio: tuple[float, float] = (.5, 1.),
                 centre: tuple[float, float] = (.4, .6),
                 min_extent: int = 9,
                 background: int | None = 0,
                 img_fill: int = 114) -> None:
        super().__init__(prob, img_fill)
        self.height = height
        self.ratio = ratio
        self.centre = centre
        self.min_extent = min_extent
        self.background = background

    def window(self, results: Results) -> Window | None:
        """The first window (x1, y1, x2, y2), in pixels, that may be."""
        height, width = results['img'].shape[:2]
        found = [boxes for _, boxes in box_sets(results)]
        boxes = np.concatenate(found) if found else None
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
class ScaleCrop(_Cut):
    """Cut a window of the image's shape, anywhere in it.

    Followed by a resize (:class:`Squash`) it is "scale by s, then crop at
    the old size". Boxes whose centre is inside stay and are cut to the
    window; what is still seen of others goes along as ``lost``. Depth is
    divided by s.

    Args:
        scale: Range of s, 1 or more.
        prob: Of doing anything.

    Raises:
        ConfigError: A scale below 1, which would reach beyond the image.
    """

    def __init__(self,
                 scale: tuple[float, float] = (1., 1.5),
                 prob: float = 1.) -> None:
        super().__init__(prob)
        self.scale = scale
        if not 1 <= scale[0] <= scale[1]:
            raise ConfigError(
                '`scale` of ScaleCrop is a range (low, high) of factors from '
                f'1 on, got {scale}: CropExpand reaches beyond the image.')

    def window(self, results: Results) -> Window:
        """A window of the image's sides / s at a uniform place."""
        old_h, old_w = results['img'].shape[:2]
        s = random.uniform(*self.scale)
        height, width = max(1, int(old_h / s)), max(1, int(old_w / s))
        x1 = random.randint(0, old_w - width)
        y1 = random.randint(0, old_h - height)
        return x1, y1, x1 + width, y1 + height


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror left and right with probability ``prob``."""

    def __init__(self, prob: float = .5) -> None:
        self.prob = prob

    def transform(self, results: Results) -> Results:
        """Mirror the image and whatever labels are there."""
        flip = random.random() < self.prob
        results['flip'] = flip
        results['flip_direction'] = 'horizontal' if flip else None
        if not flip:
            return results
        results['img'] = cv2.flip(results['img'], 1)
        for key, rule in each_map(results):
            results[key] = rule.flip(results[key])
        for task, boxes in list(box_sets(results)):
            mirrored = boxes.copy()
            mirrored[:, 0::2] = results['img'].shape[1] - boxes[:, 2::-2]
            set_boxes(results, task, mirrored)
        width = results['img'].shape[1]
        flip_view(results, width)
        move_view(results, [[-1, 0, width], [0, 1, 0], [0, 0, 1]])
        return results


def cut_all(results: Results,
            window: Window,
            zoom: float,
            img_fill: int = 114) -> Results:
    """Cut the image and whatever labels are there.

    Args:
        results: What the pipeline carries.
        window: x1, y1, x2, y2 in pixels; it may reach beyond the image.
        zoom: What enlarges the window when it gets its old size.
        img_fill: Grey level outside the image.
    """
    cut_view(results, window)
    move_view(results, [[1, 0, -window[0]], [0, 1, -window[1]], [0, 0, 1]])
    # who compares two views has to know what depth was divided by
    results['nearer'] = results.get('nearer', 1.) * zoom
    results['img'] = cut_window(results['img'], window, img_fill)
    results['img_shape'] = results['img'].shape[:2]
    for key, rule in each_map(results):
        results[key] = rule.zoom(rule.cut(results[key], window), zoom)
    x1, y1 = window[:2]
    for task, boxes in list(box_sets(results)):
        keep = _inside(boxes, window)
        lose_boxes(results, task, ~keep, window)
        height, width = results['img_shape']
        inside = (boxes[keep] - np.array([x1, y1, x1, y1])).clip(
            0, np.array([width, height] * 2))
        set_boxes(results, task, inside, keep)
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


def _inside(boxes: Boxes, window: Window) -> NDArray[np.bool_]:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (centres > window[:2]) & (centres < window[2:])
    return np.asarray(inside.all(1))
