"""What is counted while the files of a stream are looked at."""
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.examine import Finding
from mmmultas.datasets.problems import Problem
from mmmultas.structures import DET

__all__ = ['StreamReport', 'size_group']

#: Areas in pixels as COCO groups them.
SMALL, LARGE = 32**2, 96**2


@dataclass(eq=False)
class StreamReport:
    """What is known of one stream.

    Attributes:
        name: ``train/det``; several names where streams read the same.
        held_out: Whether it is for validation or test.
        classes: Names by task.
        problems: All that is wrong.
        notes: What is no problem, but good to know.
        digests: Image file → digest of its bytes.
        sizes: (height, width) → images.
        boxes: (class, 'small' | 'medium' | 'large' | 'difficult') → boxes;
            COCO's crowds count as difficult.
        pixels: (256,) pixels by train id.
        masked: Images that show a class, by train id.
        labelled: Images by task.
        input_size: (height, width) that the network sees; None where the
            transforms do not tell.
        learnt: Boxes that are learnt or judged, not passed over.
        sides: Side of each box that is learnt, the root of its area, as a
            share of the image's.
        without: Images that are labelled and have no box.
        crowded: Most boxes in an image, and the image.
        orientations: EXIF orientation → images.
        bits: Bits per channel → images.
        by_rule: Whether a rule holds its images out of a folder.
        brightest: Highest value (0 to 255) in any image.
        palettes: Mask value → colour in the files' palettes → such a file.
    """
    name: str
    held_out: bool
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, bytes] = field(default_factory=dict)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    boxes: Counter[tuple[str, str]] = field(default_factory=Counter)
    pixels: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(256, np.int64))
    masked: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(256, np.int64))
    labelled: Counter[str] = field(default_factory=Counter)
    input_size: tuple[int, int] | None = None
    learnt: int = 0
    sides: list[float] = field(default_factory=list)
    without: int = 0
    crowded: tuple[int, str] = (0, '')
    orientations: Counter[int] = field(default_factory=Counter)
    bits: Counter[int] = field(default_factory=Counter)
    brightest: int = 0
    by_rule: bool = False
    palettes: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, finding: Finding, tasks: Sequence[str]) -> None:
        """Count one image."""
        self.problems += finding.problems
        self.digests[finding.image] = finding.digest
        self.labelled.update(tasks)
        if finding.size:
            self.sizes[finding.size] += 1
            self.orientations[finding.orientation] += 1
            self.bits[finding.bits] += 1
            self.brightest = max(self.brightest, finding.brightest)
        self.without += DET in tasks and not finding.boxes
        self._add_boxes(finding)
        if finding.pixels is not None:
            self.pixels += finding.pixels
            self.masked += finding.pixels > 0
        for value, colour in finding.colours.items():
            self.palettes.setdefault(value, {}).setdefault(
                colour, finding.image)

    def _add_boxes(self, finding: Finding) -> None:
        if len(finding.boxes) > self.crowded[0]:
            self.crowded = len(finding.boxes), finding.image
        for box in finding.boxes:
            x1, y1, x2, y2 = box.bbox
            area = max(x2 - x1, 0.) * max(y2 - y1, 0.)
            group = 'difficult' if box.ignore else size_group(area)
            name = self.classes[DET][box.label]
            self.boxes[name, group] += 1
            self.learnt += not box.passed_over
            if finding.size and area and not box.passed_over:
                height, width = finding.size
                self.sides.append(float(np.sqrt(area / (height * width))))

    def boxes_of(self, name: str) -> int:
        """Boxes of a class, those that are not learnt too."""
        return sum(n for (own, _), n in self.boxes.items() if own == name)


def size_group(area: float) -> str:
    """COCO's name for the size of a box.

    Args:
        area: In pixels of the original image.

    Example:
        >>> size_group(31 * 31), size_group(32 * 32), size_group(97 * 97)
        ('small', 'medium', 'large')
    """
    if area < SMALL:
        return 'small'
    return 'medium' if area <= LARGE else 'large'
