"""Labels of other tools: a module for each form, all listed here."""
from pathlib import Path

from mmmultas.projects.records import Opened

from .base import Format
from .coco import COCO
from .cvat import CVAT
from .foreign import foreign_form
from .labelme import LABELME
from .panoptic import PANOPTIC
from .voc import VOC
from .yolo import YOLO

__all__ = ['FORMATS', 'open_labels', 'readable', 'what_lies_there']

#: Asked in this order.
FORMATS: tuple[Format, ...] = (PANOPTIC, COCO, LABELME, CVAT, VOC, YOLO)


def open_labels(path: str, task: str) -> Opened | None:
    """The labels at ``path``, if their form is known.

    Args:
        path: A file or a folder.
        task: 'det' or 'seg': what is wanted of them.

    Raises:
        DataError: A file of a known form that cannot be read.
    """
    for form in FORMATS:
        if task in form.gives:
            opened = form.open(Path(path))
            if opened is not None:
                return opened
    return None


def readable(task: str) -> str:
    """All forms that can be read for a task, for a message."""
    own = ['PNG masks'] if task == 'seg' else []
    return ', '.join(own + [f'{f.name} ({f.looks})' for f in FORMATS
                            if task in f.gives])


def what_lies_there(path: str) -> str:
    """What is at ``path``, in words: for labels that nobody can read."""
    return foreign_form(Path(path))
