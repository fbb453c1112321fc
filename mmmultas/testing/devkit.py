"""A tiny VOCdevkit, made on the spot."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmmultas.datasets.label_map import VOC_PALETTE

__all__ = ['Devkit']

OBJECT = ('<object><name>{name}</name><difficult>{difficult}</difficult>'
          '<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>'
          '<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>')


class Devkit:
    """Writes images, XMLs, masks and lists below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, relative: str) -> Path:
        """A path below the root; its folder exists."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, relative: str, text: str) -> str:
        """Write a text file; return its name."""
        self.path(relative).write_text(text)
        return relative

    def image(self,
              img_id: str,
              size: tuple[int, int] = (40, 60),
              year: str = 'VOC2012') -> None:
        """A smooth JPEG of ``size`` (height, width)."""
        rng = np.random.default_rng(sum(map(ord, img_id)))
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize(
            size[::-1],
            box=(0, 0, 7, 7)).save(
                self.path(f'{year}/JPEGImages/{img_id}.jpg'), quality=95)

    def xml(self,
            img_id: str,
            objects: Sequence[tuple[Any, ...]],
            size: tuple[int, int] = (40, 60),
            year: str = 'VOC2012') -> None:
        """``objects``: (name, 1-based xyxy) or (name, xyxy, difficult)."""
        things = ''.join(
            OBJECT.format(name=o[0], box=o[1], difficult=int(len(o) > 2))
            for o in objects)
        self.write(
            f'{year}/Annotations/{img_id}.xml',
            f'<annotation><filename>../../elsewhere.jpg</filename><size>'
            f'<width>{size[1]}</width><height>{size[0]}</height></size>'
            f'{things}</annotation>')

    def mask(self,
             img_id: str,
             values: Any,
             year: str = 'VOC2012',
             folder: str = 'SegmentationClass') -> None:
        """A palette PNG of ``values`` (H, W) uint8."""
        picture = Image.fromarray(np.asarray(values, np.uint8))
        picture.putpalette([c for colour in VOC_PALETTE for c in colour])
        picture.save(self.path(f'{year}/{folder}/{img_id}.png'))

    def add(self,
            img_id: str,
            size: tuple[int, int] = (40, 60),
            year: str = 'VOC2012') -> None:
        """An image with a cat (box and mask) and a difficult dog."""
        self.image(img_id, size, year)
        self.xml(img_id, [('cat', (11, 6, 41, 31)),
                          ('dog', (45, 6, 55, 16), True)], size, year)
        values = np.zeros(size, np.uint8)
        values[5:30, 10:40] = 8
        values[5:15, 44:54] = 12
        values[4, :] = 255
        self.mask(img_id, values, year)

    def ids(self,
            ids: Sequence[str],
            name: str = 'ids.txt',
            year: str = 'VOC2012') -> str:
        """Write a list; return its name below the year's root."""
        return self.write(f'{year}/{name}', '\n'.join(ids) + '\n').split(
            '/', 1)[1]
