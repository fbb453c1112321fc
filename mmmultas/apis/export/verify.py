"""Whether an exported file says what its checkpoint says."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmmultas.structures import BOXES, CLASSES, DET, SEG, kind_of
from mmmultas.utils.errors import UserError

from ..inferencer import MultiTaskInferencer
from ..saved_model import SavedModel
from .graphs import CoreGraph

__all__ = [
    'Differences', 'boxes_alike', 'compare_core', 'compare_predictions'
]

#: A box is matched within so many pixels and so much of a score.
PIXELS, SCORE = 0.1, 3e-3
#: Share of boxes that must be matched, of pixels that must be alike.
BOXES_ALIKE, PIXELS_ALIKE = 0.99, 0.999
#: Of the largest output of the core.
CORE = 1e-3
#: Numbers of a map are alike within so much of the largest.
MAPS = 1e-2


@dataclass
class Differences:
    """What was compared, and what of it was alike.

    Attributes:
        pictures: How many were compared.
        lines: A sentence for each task.
        failed: The tasks that differ too much.
    """
    pictures: int
    lines: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, task: str, line: str, good: bool) -> None:
        """Note a task."""
        self.lines.append(f'{task}: {line}')
        if not good:
            self.failed.append(task)

    def check(self, path: Any) -> None:
        """Raise if something differs too much.

        Raises:
            UserError: With all lines.
        """
        if self.failed:
            raise UserError(
                f'{path} differs from its checkpoint on {self.pictures} '
                f'pictures ({"; ".join(self.lines)}) and was not kept: '
                'report it, with the config.')


def compare_core(saved: SavedModel, session: Any,
                 batches: Iterable[torch.Tensor]) -> Differences:
    """Compare the core with the network, output by output.

    Args:
        saved: The model.
        session: Of the file.
        batches: (N, 3, H, W) float32, normalised, of any N.
    """
    core = CoreGraph(saved).eval()
    names = [output.name for output in session.get_outputs()]
    worst, largest = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    count = 0
    for images in batches:
        count += len(images)
        with torch.no_grad():
            wanted = core(images)
        found = session.run(None, {'images': images.numpy()})
        for name, want, got in zip(names, wanted, found):
            if want.shape != got.shape:
                worst[name] = np.inf
                continue
            gap = float(np.abs(want.numpy() - got).max(initial=0))
            # NaN compares with nothing
            worst[name] = max(worst[name], gap) if gap == gap else np.inf
            largest[name] = max(largest[name], float(want.abs().max()))
    differences = Differences(count)
    for name in names:
        share = worst[name] / max(largest[name], 1e-12)
        differences.add(name, f'differs by {share:.1e} of its largest value',
                        share <= CORE)
    return differences


def compare_predictions(inferencer: MultiTaskInferencer, model: Any,
                        pictures: Sequence[Any]) -> Differences:
    """Compare what both say of pictures.

    Args:
        inferencer: Of the checkpoint.
        model: A ``mmmultas_runtime.Model`` of the file.
        pictures: Paths or (H, W, 3) uint8 BGR arrays.
    """
    pairs = [(inferencer([picture])[0], model(picture))
             for picture in pictures]
    differences = Differences(len(pairs))
    for task in inferencer.meta:
        kind = kind_of(task, inferencer.meta)
        if kind == BOXES:
            found = [boxes_alike(*(_boxes_of(task, one) for one in pair))
                     for pair in pairs]
            alike, total = (sum(column) for column in zip(*found))
            differences.add(
                task, f'{alike} of {total} boxes within {PIXELS} px and '
                f'{SCORE} of score' if total else
                'no box was found, so none were compared (lower --score-thr, '
                'or name other --pictures)', alike >= BOXES_ALIKE * total)
            continue
        shares = [_pixels_alike(kind, *(_map_of(task, one) for one in pair))
                  for pair in pairs]
        share = float(np.mean(shares))
        differences.add(task, f'{100 * share:.3f} % of pixels alike',
                        share >= PIXELS_ALIKE)
    return differences


def _boxes_of(task: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    boxes: Mapping[str, Any] = (found if task == DET
                                else found['boxes'][task])
    return boxes


def _map_of(task: str, found: Mapping[str, Any]) -> NDArray[Any]:
    values: NDArray[Any] = (found['seg_map'] if task == SEG
                            else found['maps'][task])
    return values


def boxes_alike(one: Mapping[str, Any],
                 other: Mapping[str, Any]) -> tuple[int, int]:
    """How many boxes have a partner, of how many of the longer list.

    Args:
        one: ``bboxes`` (M, 4), ``scores`` and ``labels`` (M,), NumPy.
        other: Likewise.
    """
    free = np.ones(len(other['scores']), bool)
    alike = 0
    for box, score, label in zip(one['bboxes'], one['scores'],
                                 one['labels']):
        near = (free & (other['labels'] == label)
                & (np.abs(other['scores'] - score) <= SCORE)
                & (np.abs(other['bboxes'] - box) <= PIXELS).all(1))
        if near.any():
            free[int(near.argmax())] = False
            alike += 1
    return alike, max(len(one['scores']), len(other['scores']))


def _pixels_alike(kind: str, one: NDArray[Any], other: NDArray[Any]) -> float:
    if one.shape != other.shape:
        return 0.0
    if kind == CLASSES:
        return float((one == other).mean())
    limit = MAPS * max(float(np.abs(one).max(initial=0)), 1e-12)
    return float((np.abs(one - other) <= limit).mean())
