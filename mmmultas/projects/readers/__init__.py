"""Labels of other tools: a module for each form, all listed here."""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmmultas.projects.records import LabelSet, Opened, Paint, Picture
from mmmultas.utils.errors import DataError, UserError

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
        if task not in form.gives:
            continue
        with _readable(form.name, path):
            opened = form.open(Path(path))
        if opened is not None:
            return replace(opened, read=partial(_read, opened))
    return None


def _read(opened: Opened, images: Mapping[str, str], task: str) -> LabelSet:
    with _readable(opened.form, opened.path):
        labels = opened.read(images, task)
    if labels.paint is not None:
        labels.paint = partial(_paint, opened, labels.paint)
    return labels


def _paint(opened: Opened, paint: Paint, picture: Picture
           ) -> NDArray[np.uint8]:
    with _readable(opened.form, opened.path):
        return paint(picture)


@contextmanager
def _readable(form: str, path: str) -> Iterator[None]:
    """Entries of a wrong type are the file's fault: say so."""
    try:
        yield
    except UserError:
        raise
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError,
            ValueError) as error:
        raise DataError(
            f'{path} looks like {form}, but cannot be read '
            f'({type(error).__name__}: {error}); export it again.') from error


def readable(task: str) -> str:
    """All forms that can be read for a task, for a message."""
    own = ['PNG masks'] if task == 'seg' else []
    return ', '.join(own + [f'{f.name} ({f.looks})' for f in FORMATS
                            if task in f.gives])


def what_lies_there(path: str) -> str:
    """What is at ``path``, in words: for labels that nobody can read."""
    return foreign_form(Path(path))
