"""Boxes, masks, names and captions on (H, W, 3) uint8 RGB pictures."""
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mmmultas.structures import voc_colour

__all__ = [
    'add_caption', 'add_legend', 'blend_mask', 'class_colours', 'draw_boxes',
    'side_by_side'
]

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

IGNORED_COLOUR: Colour = (224, 224, 192)
PAPER: Colour = (250, 250, 250)
INK: Colour = (30, 30, 30)


def class_colours(count: int,
                  palette: Sequence[Sequence[int]] | None = None,
                  first: int = 1) -> list[Colour]:
    """Colours of the classes: ``palette``, or those of PASCAL VOC.

    Args:
        count: Number of classes.
        palette: RGB triples; too short a one is filled up.
        first: Number of the first class on VOC's wheel, where 0 is black.
    """
    given = [(int(c[0]), int(c[1]), int(c[2])) for c in palette or ()]
    wheel = [voc_colour(index + first) for index in range(count)]
    return given[:count] + wheel[len(given):]


def draw_boxes(picture: Picture, boxes: NDArray, texts: Sequence[str],
               colours: Sequence[Colour]) -> Picture:
    """Draw xyxy pixel boxes with their names, the last one on top."""
    canvas = Image.fromarray(picture)
    pen = ImageDraw.Draw(canvas)
    width = max(2, round(max(picture.shape[:2]) / 250))
    font = _font(_font_size(picture))
    for box, text, colour in zip(boxes.tolist(), texts, colours):
        x1, y1, x2, y2 = box
        x1, x2 = sorted((x1, x2))
        y1, y2 = sorted((y1, y2))
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=width)
        if not text:
            continue
        left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
        wide, high = right - left + 6, bottom - top + 6
        x = min(max(x1, 0), max(canvas.width - wide, 0))
        y = y1 - high if y1 >= high else max(y1, 0)
        pen.rectangle((x, y, x + wide, y + high), fill=colour)
        pen.text((x + 3 - left, y + 3 - top), text, _ink_on(colour), font)
    return np.asarray(canvas)


def blend_mask(picture: Picture,
               labels: NDArray,
               colours: Sequence[Colour],
               hidden: Sequence[int] = (),
               alpha: float = 0.5) -> Picture:
    """Tint the pixels of each class and draw the borders of the regions.

    Args:
        picture: (H, W, 3).
        labels: (H, W) class indices; those without a colour are "ignored".
        colours: Colour of every class.
        hidden: Classes that are left as they are, such as background.
        alpha: Opacity of the tint.
    """
    table = np.full((256, 3), IGNORED_COLOUR, np.float32)
    table[:len(colours)] = colours
    opacity = np.full(256, alpha, np.float32)
    opacity[list(hidden)] = 0
    labels = np.clip(labels, 0, 255).astype(np.uint8)
    weight = opacity[labels][..., None]
    mixed = picture * (1 - weight) + table[labels] * weight
    border = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT,
                              np.ones((3, 3), np.uint8)) > 0
    border &= weight[..., 0] > 0
    mixed[border] = 0.25 * mixed[border] + 0.75 * table[labels[border]]
    return np.rint(mixed).astype(np.uint8)


def add_caption(picture: Picture, text: str) -> Picture:
    """Put a line of text above a picture."""
    size = _font_size(picture)
    strip = Image.new('RGB', (picture.shape[1], size + 12), PAPER)
    ImageDraw.Draw(strip).text((8, 5), text, INK, _font(size))
    return np.vstack((np.asarray(strip), picture))


def add_legend(picture: Picture,
               entries: Sequence[tuple[str, Colour]]) -> Picture:
    """Put the colours of the masks' classes below a picture."""
    if not entries:
        return picture
    size = _font_size(picture)
    font, line = _font(size), size + 10
    places, x, y = [], 8, 6
    for name, _ in entries:
        wide = size + 6 + int(font.getlength(name)) + 16
        if x > 8 and x + wide > picture.shape[1]:
            x, y = 8, y + line
        places.append((x, y))
        x += wide
    strip = Image.new('RGB', (picture.shape[1], y + line), PAPER)
    pen = ImageDraw.Draw(strip)
    for (name, colour), (x, y) in zip(entries, places):
        pen.rectangle((x, y, x + size, y + size), colour, INK)
        pen.text((x + size + 6, y - 1), name, INK, font)
    return np.vstack((picture, np.asarray(strip)))


def side_by_side(pictures: Sequence[Picture], gap: int = 8) -> Picture:
    """Join pictures in a row, the lower ones on white."""
    height = max(len(picture) for picture in pictures)
    columns: list[Picture] = []
    for picture in pictures:
        if columns:
            columns.append(np.full((height, gap, 3), 250, np.uint8))
        column = np.full((height, picture.shape[1], 3), 250, np.uint8)
        column[:len(picture)] = picture
        columns.append(column)
    return np.hstack(columns)


def _ink_on(colour: Colour) -> Colour:
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return INK if bright > 140 else (255, 255, 255)


def _font_size(picture: Picture) -> int:
    """In pixels: readable when a large photograph is shown on a screen."""
    return int(np.clip(picture.shape[1] / 40, 12, 120))


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf'
    return ImageFont.truetype(str(folder / 'DejaVuSans.ttf'), size)
