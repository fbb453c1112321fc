"""Boxes of one task: a COCO json, or a folder of VOC's XMLs."""
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mmmultas.structures import DET
from mmmultas.utils.errors import DataError

from .checks import read_voc_xml
from .coco import CocoFile, CocoImage, scan_coco
from .label_map import LabelSpace
from .listing import list_files
from .problems import Problem

__all__ = ['BoxFile', 'class_hint']

Instance = dict[str, Any]


@dataclass(frozen=True)
class BoxFile:
    """Where the boxes of a task are, and what their classes are.

    Attributes:
        task: The task's name.
        path: COCO json, or folder of XMLs.
        space: The classes; None where the boxes are not read.
        image_suffix: End of the images' names, None for any type of image.
        skip_difficult: Whether difficult boxes of XMLs take no part.
    """
    task: str
    path: str
    space: LabelSpace | None
    image_suffix: str | None = None
    skip_difficult: bool = False

    def scan(self, problems: list[Problem]) -> dict[str, Any]:
        """Name of an image → its entry in the json, or its XML.

        Args:
            problems: Gets what is wrong.

        Raises:
            DataError: No such file or folder.
        """
        if os.path.isdir(self.path):
            return dict(list_files(self.path, '.xml')[0])
        coco, wrong = scan_coco(self.path)
        problems += wrong
        return self._by_name(coco, problems)

    def _by_name(self, coco: CocoFile,
                 problems: list[Problem]) -> dict[str, CocoImage]:
        named: dict[str, CocoImage] = {}
        for image in coco.images:
            stem = _stem(image.file_name, self.image_suffix)
            if stem in named:
                problems.append(
                    Problem(
                        self.path, f'lists {named[stem].file_name} and '
                        f'{image.file_name}, which are one image by name',
                        'rename one, or set `image_suffix`', 'match'))
            else:
                named[stem] = image
        return named

    def read(self, label: CocoImage | str
             ) -> tuple[list[Instance], tuple[int, int] | None]:
        """The boxes of an image, and (height, width) as they tell it.

        Args:
            label: What :meth:`scan` gave.

        Raises:
            DataError: A broken XML, or a class that nobody named.
        """
        if isinstance(label, CocoImage):
            size = label.size
            return [
                x for box in label.boxes for x in self._instance(
                    box.name, box.bbox, box.ignore, size, self.path)
            ], size
        annotation = read_voc_xml(label)
        size = annotation.size
        return [
            x for o in annotation.objects for x in self._instance(
                o.name, tuple(float(v - 1) for v in o.bbox), o.difficult
                and self.skip_difficult, size, label)
        ], size

    def _instance(self, name: str, bbox: tuple[float, ...], skip: bool,
                  size: tuple[int, int] | None,
                  origin: str) -> Iterator[Instance]:
        assert self.space is not None
        if name not in self.space.index:
            where, drop = class_hint(self.task, name)
            raise DataError(f'{origin} has an object of class {name!r}, which '
                            f'{where} does not name; add it or drop it with '
                            f'{drop}.')
        label = self.space.index[name]
        if label is None:
            return
        x1, y1, x2, y2 = bbox
        if size:
            x1, x2 = (min(max(x, 0.), size[1]) for x in (x1, x2))
            y1, y2 = (min(max(y, 0.), size[0]) for y in (y1, y2))
        flat = x2 <= x1 or y2 <= y1
        yield dict(
            bbox=[x1, y1, x2, y2],
            bbox_label=label,
            ignore_flag=int(skip or flat))


def class_hint(task: str, name: str) -> tuple[str, str]:
    """Which config keys name classes of a task, and drop one.

    Example:
        >>> class_hint('cars', 'van')[0]
        '`labels.cars.classes`'
    """
    drop = f'{{{name!r}: None}}'
    if task == DET:
        return "`classes['det']`", f'`label_map=dict(det={drop})`'
    return f'`labels.{task}.classes`', f'`labels.{task}.label_map={drop}`'


def _stem(file_name: str, suffix: str | None) -> str:
    if suffix and file_name.endswith(suffix):
        return file_name[:-len(suffix)]
    return str(PurePosixPath(file_name).with_suffix(''))
