"""What every reader of labels gives: pictures with things on them."""
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.problems import Problem

__all__ = ['LabelSet', 'Opened', 'Paint', 'Picture', 'Thing']

Images = Mapping[str, str]
Paint = Callable[['Picture'], NDArray[np.uint8]]


@dataclass(frozen=True)
class Thing:
    """One object.

    Attributes:
        name: Its class.
        bbox: xyxy in pixels from 0; None where the labels have none.
        shape: COCO's ``segmentation``: polygons or runs; None where the
            labels have none.
        ignore: A crowd or a difficult one.
    """
    name: str
    bbox: tuple[float, float, float, float] | None
    shape: Any = None
    ignore: bool = False


@dataclass(frozen=True)
class Picture:
    """An image as its labels know it.

    Attributes:
        file_name: As the labels call it.
        size: (height, width) as they tell it.
        things: What is on it.
    """
    file_name: str
    size: tuple[int, int] | None = None
    things: tuple[Thing, ...] = ()


@dataclass
class LabelSet:
    """Labels that were read.

    Attributes:
        classes: Names, in the order of the file.
        pictures: One per image that is labelled, with or without things.
        problems: What cannot be used.
        facts: What a person should know.
        paint: Draws the mask of a picture: numbers are places in
            ``classes``, 255 takes no part. None: by the things' shapes.
        background: Whether pixels outside of all shapes are a class.
    """
    classes: tuple[str, ...]
    pictures: list[Picture] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    paint: Paint | None = None
    background: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """Boxes by class."""
        found = Counter(t.name for p in self.pictures for t in p.things
                        if t.bbox is not None)
        return {name: found[name] for name in self.classes}

    @property
    def has_shapes(self) -> bool:
        """Whether masks can be drawn."""
        return self.paint is not None or any(
            t.shape for p in self.pictures for t in p.things)


@dataclass(frozen=True)
class Opened:
    """Labels whose form is known and that are not read yet.

    Attributes:
        form: 'YOLO txt', …
        path: The file or folder.
        names: Of the images, as the labels tell them.
        places: Folders where the images may lie, the likeliest first.
        read: Reads them, for 'det' or 'seg', with the images by name.
        in_place: Whether the data set reads such boxes itself.
        gives: Tasks that it may have labels for.
    """
    form: str
    path: str
    names: Sequence[str]
    places: Sequence[Path]
    read: Callable[[Images, str], LabelSet]
    in_place: bool = False
    gives: tuple[str, ...] = ('det', )
