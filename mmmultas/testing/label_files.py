"""Shapes of :class:`ShapeFolder` as the labels of other tools."""
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .shapes import SHAPES, ShapeFolder

__all__ = [
    'write_cvat', 'write_labelme', 'write_panoptic', 'write_polygons',
    'write_yolo'
]


def outlines(kit: ShapeFolder, name: str) -> list[tuple[str, list[float]]]:
    """Class and corners (x1, y1, x2, y2, …) of the shapes of an image."""
    found = []
    for label, _ in kit.boxes[name]:
        part: NDArray[Any] = (kit.masks[name] == label + 1).astype(np.uint8)
        contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL,
                                       cv2.CHAIN_APPROX_NONE)
        longest = max(contours, key=len)
        found.append((SHAPES[label], longest.ravel().astype(float).tolist()))
    return found


def write_yolo(kit: ShapeFolder, polygons: bool = False) -> Path:
    """Write ``labels/NAME.txt`` and ``data.yaml``."""
    height, width = kit.size
    for name in kit.names:
        lines = []
        for label, (x1, y1, x2, y2) in kit.boxes[name]:
            numbers = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height,
                       (x2 - x1) / width, (y2 - y1) / height)
            lines.append(f'{label} ' + ' '.join(f'{v:.6f}' for v in numbers))
        if polygons:
            lines = [
                f'{SHAPES.index(shape)} ' + ' '.join(
                    f'{v / (width, height)[i % 2]:.6f}'
                    for i, v in enumerate(points))
                for shape, points in outlines(kit, name)
            ]
        kit.path(f'labels/{name}.txt').write_text('\n'.join(lines) + '\n')
    kit.path('data.yaml').write_text(f'names: {list(SHAPES)}\nnc: 3\n')
    return kit.root / 'labels'


def write_labelme(kit: ShapeFolder, polygons: bool = False) -> Path:
    """Write ``labelme/NAME.json``."""
    for name in kit.names:
        shapes: list[dict[str, Any]] = [
            dict(label=SHAPES[label], shape_type='rectangle',
                 points=[[x1, y1], [x2, y2]])
            for label, (x1, y1, x2, y2) in kit.boxes[name]
        ]
        if polygons:
            shapes = [
                dict(label=shape, shape_type='polygon',
                     points=np.reshape(points, (-1, 2)).tolist())
                for shape, points in outlines(kit, name)
            ]
        kit.path(f'labelme/{name}.json').write_text(json.dumps(dict(
            shapes=shapes, imagePath=f'../images/{name}.png', imageData=None,
            imageHeight=kit.size[0], imageWidth=kit.size[1])))
    return kit.root / 'labelme'


def write_cvat(kit: ShapeFolder, polygons: bool = False) -> Path:
    """Write ``annotations.xml`` as "CVAT for images 1.1"."""
    parts: list[str] = []
    for name in kit.names:
        things = ''.join(
            f'<box label="{SHAPES[label]}" xtl="{b[0]}" ytl="{b[1]}" '
            f'xbr="{b[2]}" ybr="{b[3]}"/>' for label, b in kit.boxes[name])
        if polygons:
            things = ''.join(
                f'<polygon label="{shape}" points="' + ';'.join(
                    f'{x},{y}' for x, y in np.reshape(points, (-1, 2))) +
                '"/>' for shape, points in outlines(kit, name))
        parts.append(f'<image id="{len(parts)}" name="{name}.png" '
                     f'width="{kit.size[1]}" height="{kit.size[0]}">{things}'
                     '</image>')
    path = kit.path('annotations.xml')
    path.write_text(f'<annotations>{"".join(parts)}</annotations>')
    return path


def write_polygons(kit: ShapeFolder, file: str = 'shapes.json') -> Path:
    """Write a COCO json with polygons."""
    content = json.loads(kit.write_coco(file).read_text())
    shapes = [points for name in kit.names
              for _, points in outlines(kit, name)]
    for entry, points in zip(content['annotations'], shapes):
        entry['segmentation'] = [points]
    return kit.write_coco(file, **content)


def write_panoptic(kit: ShapeFolder) -> Path:
    """Write ``panoptic.json`` and its PNGs; the background is a class."""
    annotations = []
    for number, name in enumerate(kit.names):
        mask = kit.masks[name].astype(np.uint32)
        ids = mask * 300 + 7  # more than a byte
        colours = np.stack([ids >> 8 * i & 255 for i in range(3)], -1)
        Image.fromarray(colours.astype(np.uint8)).save(
            kit.path(f'panoptic/{name}.png'))
        segments = [
            dict(id=int(v) * 300 + 7, category_id=int(v), iscrowd=0,
                 bbox=_hull(mask == v)) for v in np.unique(mask)
        ]
        annotations.append(dict(image_id=number, file_name=f'{name}.png',
                                segments_info=segments))
    categories = [dict(id=0, name='ground', isthing=0)] + [
        dict(id=i, name=n, isthing=1) for i, n in enumerate(SHAPES, 1)]
    path = kit.path('panoptic.json')
    path.write_text(json.dumps(dict(
        images=[dict(id=i, file_name=f'{n}.png')
                for i, n in enumerate(kit.names)],
        annotations=annotations, categories=categories)))
    return path


def _hull(part: NDArray[np.bool_]) -> list[int]:
    rows, columns = np.nonzero(part)
    return [int(columns.min()), int(rows.min()),
            int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
