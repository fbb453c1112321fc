"""A tiny data set of one's own: three shapes, boxes here and masks there."""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ['SHAPES', 'ShapeFolder']

SHAPES = ('circle', 'square', 'triangle')
_COLOURS = ((250, 80, 80), (80, 250, 80), (80, 80, 250))
_XML = ('<annotation><size><width>{w}</width><height>{h}</height></size>'
        '{objects}</annotation>')
_OBJECT = ('<object><name>{name}</name><bndbox><xmin>{b[0]}</xmin>'
           '<ymin>{b[1]}</ymin><xmax>{b[2]}</xmax><ymax>{b[3]}</ymax>'
           '</bndbox></object>')


class ShapeFolder:
    """Draws images below ``root`` and writes their labels in any format.

    Args:
        root: Folder; ``images``, ``xml``, ``boxes.json``, ``masks`` and
            ``colours`` are written below it.
        count: Number of images ``{prefix}00.png`` …
        size: (height, width) in pixels.
        prefix: Start of the names.
        first: Number of the first image; scenes depend on it.
    """

    def __init__(self,
                 root: Path,
                 count: int = 12,
                 size: tuple[int, int] = (64, 80),
                 prefix: str = 'im',
                 first: int = 0) -> None:
        self.root = root
        self.size = size
        self.names = [f'{prefix}{first + i:02d}' for i in range(count)]
        #: Name → (class number, xyxy from 0, right and bottom exclusive).
        self.boxes: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        self.masks: dict[str, NDArray[np.uint8]] = {}
        for number, name in enumerate(self.names, first):
            picture = self._draw(name, number)
            Image.fromarray(picture).save(self.path(f'images/{name}.png'))

    def path(self, relative: str) -> Path:
        """A path below the root; its folder exists."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_coco(self, file: str = 'boxes.json', **changes: Any) -> Path:
        """Write a COCO json; ``changes`` replace its lists."""
        height, width = self.size
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, name in enumerate(self.names):
            images.append(
                dict(
                    id=number,
                    file_name=f'{name}.png',
                    height=height,
                    width=width))
            for label, (x1, y1, x2, y2) in self.boxes[name]:
                area = (x2 - x1) * (y2 - y1)
                annotations.append(
                    dict(
                        id=len(annotations),
                        image_id=number,
                        category_id=label + 1,
                        bbox=[x1, y1, x2 - x1, y2 - y1],
                        area=area,
                        iscrowd=0))
        categories = [dict(id=i, name=n) for i, n in enumerate(SHAPES, 1)]
        content = dict(
            images=images, annotations=annotations, categories=categories)
        path = self.path(file)
        path.write_text(json.dumps({**content, **changes}))
        return path

    def write_xml(self, folder: str = 'xml') -> Path:
        """Write an XML per image."""
        for name in self.names:
            objects = [(SHAPES[label], (x1 + 1, y1 + 1, x2, y2))
                       for label, (x1, y1, x2, y2) in self.boxes[name]]
            self.one_xml(name, objects, folder)
        return self.root / folder

    def one_xml(self,
                name: str,
                objects: Sequence[tuple[str, Sequence[int]]],
                folder: str = 'xml') -> Path:
        """Write an XML of (name, 1-based xyxy)."""
        things = ''.join(_OBJECT.format(name=n, b=b) for n, b in objects)
        path = self.path(f'{folder}/{name}.xml')
        path.write_text(
            _XML.format(w=self.size[1], h=self.size[0], objects=things))
        return path

    def write_masks(self,
                    folder: str = 'masks',
                    values: Sequence[int] = (0, 1, 2, 3),
                    suffix: str = '.png') -> Path:
        """Write grey PNGs; ``values``: of the background and the shapes."""
        table = np.array(values, np.uint8)
        for name, mask in self.masks.items():
            Image.fromarray(table[mask]).save(
                self.path(f'{folder}/{name}{suffix}'))
        return self.root / folder

    def write_colours(self, folder: str = 'colours') -> Path:
        """Write RGB PNGs: black and the shapes' colours."""
        table = np.array([(0, 0, 0), *_COLOURS], np.uint8)
        for name, mask in self.masks.items():
            Image.fromarray(table[mask]).save(self.path(f'{folder}/{name}.png'))
        return self.root / folder

    def _draw(self, name: str, number: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng(number)
        height, width = self.size
        picture = rng.integers(90, 120, (height, width, 3), dtype=np.uint8)
        mask = np.zeros(self.size, np.uint8)
        self.boxes[name] = []
        for place, label in enumerate(((number) % 3, (number + 1) % 3)):
            side = int(rng.integers(20, 30))
            left = place * width // 2 + int(rng.integers(0, 8))
            top = int(rng.integers(0, height - side))
            shape = _shape(label, side)
            view = (slice(top, top + side), slice(left, left + side))
            picture[view][shape] = _COLOURS[label]
            mask[view][shape] = label + 1
            self.boxes[name].append(
                (label, (left, top, left + side, top + side)))
        self.masks[name] = mask
        return picture


def _shape(label: int, side: int) -> NDArray[np.bool_]:
    canvas = np.zeros((side, side), np.uint8)
    last = side - 1
    if label == 0:
        cv2.circle(canvas, (side // 2, side // 2), side // 2, 1, -1)
    elif label == 1:
        canvas[:] = 1
    else:
        corners = np.array([(side // 2, 0), (last, last), (0, last)])
        cv2.fillPoly(canvas, [corners], 1)
    return canvas.astype(bool)
