"""What is counted while the files of a stream are looked at."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.examine import Finding
from mmmultas.datasets.map_facts import MapFacts
from mmmultas.datasets.problems import Problem
from mmmultas.structures import DET, SEG, kind_of

__all__ = ['MapCounts', 'StreamReport', 'size_group']

#: Areas in pixels as COCO groups them.
SMALL, LARGE = 32**2, 96**2


@dataclass(eq=False)
class MapCounts:
    """What the maps of a task hold.

    Attributes:
        files: Maps that could be read.
        pixels: All of them.
        known: Those that say something.
        low: Lowest known value, in the label's unit.
        high: The highest, likewise.
        middles: Median of each map, likewise; none where a pixel has several
            values.
        negative: Unknown for values below 0.
        odd: Unknown since NaN or infinite.
        values: (256,) pixels by value, of maps of 8 bits.
    """
    files: int = 0
    pixels: int = 0
    known: int = 0
    low: float = float('inf')
    high: float = float('-inf')
    middles: list[float] = field(default_factory=list)
    negative: int = 0
    odd: int = 0
    values: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(256, np.int64))

    def add(self, facts: MapFacts) -> None:
        """Count one map."""
        self.files += 1
        self.pixels += facts.pixels
        self.known += facts.known
        self.negative += facts.negative
        self.odd += facts.odd
        if facts.counts is not None:
            self.values += facts.counts
        if (facts.low is not None and facts.middle is not None
                and facts.high is not None):
            self.low = min(self.low, facts.low)
            self.high = max(self.high, facts.high)
            self.middles.append(facts.middle)


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
        meta: Kind and unit of the tasks, as the data set tells them.
        by_class: Of each task with classes (2, 256): pixels, and images that
            show it, by train id.
        maps: What the maps of further tasks hold.
        detectors: Boxes of further tasks, as if they were those of 'det'.
        detector: The name of that task, in such a report.
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
    meta: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    by_class: dict[str, NDArray[np.int64]] = field(
        default_factory=lambda: {SEG: np.zeros((2, 256), np.int64)})
    maps: dict[str, MapCounts] = field(default_factory=dict)
    detectors: 'dict[str, StreamReport]' = field(default_factory=dict)
    detector: str = DET
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
            self._add_classes(SEG, finding.pixels)
        for task, facts in finding.maps.items():
            self.maps.setdefault(task, MapCounts()).add(facts)
            if task in self.classes and facts.counts is not None:
                self._add_classes(task, facts.counts)
        for value, colour in finding.colours.items():
            self.palettes.setdefault(value, {}).setdefault(
                colour, finding.image)

        for task, boxes in finding.detectors.items():
            self._of_detector(task).add(
                replace(finding, boxes=boxes, problems=[], pixels=None,
                        maps={}, detectors={}), (DET, ))

    def _of_detector(self, task: str) -> 'StreamReport':
        if task not in self.detectors:
            self.detectors[task] = StreamReport(
                f'{self.name} ({task})', self.held_out,
                {DET: self.classes[task]}, input_size=self.input_size,
                detector=task)
        return self.detectors[task]

    def _add_classes(self, task: str, pixels: NDArray[np.int64]) -> None:
        counts = self.by_class.setdefault(task, np.zeros((2, 256), np.int64))
        counts += np.stack([pixels, (pixels > 0).astype(np.int64)])

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(256,) pixels of 'seg' by train id."""
        return self.by_class[SEG][0]

    @property
    def masked(self) -> NDArray[np.int64]:
        """(256,) images of 'seg' that show a class, by train id."""
        return self.by_class[SEG][1]

    @property
    def class_maps(self) -> list[str]:
        """Tasks of which the pixels of classes are counted."""
        return [task for task in self.labelled if task in self.classes
                and task in self.by_class]

    def kind(self, task: str) -> str:
        """What a task's labels are."""
        return kind_of(task, self.meta)

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
