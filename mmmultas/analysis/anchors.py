"""Anchors that fit the boxes of training data, at the network's size."""
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.functional.cell_boxes import cluster_shapes, shape_iou
from mmmultas.registry import DATASETS
from mmmultas.structures import BOXES, gt_field, kind_of
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress

__all__ = [
    'Anchors', 'draw_anchors', 'find_anchors', 'fit_anchors', 'shapes_of'
]

#: Colours of the branches in the picture, RGB.
_COLOURS = ((31, 119, 180), (214, 90, 20), (44, 140, 44), (160, 60, 160),
            (120, 90, 60))


@dataclass(frozen=True)
class Anchors:
    """What fits best.

    Attributes:
        shapes: Widths and heights in pixels, smallest area first.
        overlap: Mean over the boxes of the overlap with the best shape.
        sizes: (M, 2) widths and heights of the boxes.
        images: How many images showed them.
        input_size: Height and width of the network's input; None if it
            differs from image to image.
        per_branch: Shapes of each branch.
    """
    shapes: list[tuple[int, int]]
    overlap: float
    sizes: NDArray[np.float32]
    images: int
    input_size: tuple[int, int] | None
    per_branch: int

    @property
    def branches(self) -> list[list[tuple[int, int]]]:
        """The shapes, branch by branch."""
        step = self.per_branch
        return [self.shapes[i:i + step]
                for i in range(0, len(self.shapes), step)]

    def text(self) -> str:
        """What was found, and the lines for a config."""
        size = ('several sizes' if self.input_size is None else
                '{1} × {0} pixels'.format(*self.input_size))
        rows = ['    ' + ', '.join(f'({w}, {h})' for w, h in branch) + ','
                for branch in self.branches]
        base = [list(branch) for branch in reversed(self.branches)]
        return '\n'.join([
            f'{len(self.sizes)} boxes of {self.images} images at {size}: '
            f'mean overlap with the best of {len(self.shapes)} anchors '
            f'{self.overlap:.3f}', 'anchors=[', *rows, ']',
            f"MMDetection's YOLOAnchorGenerator: base_sizes={base}"
        ])


def fit_anchors(cfg: Mapping[str, Any],
                num: int = 9,
                per_branch: int | None = None,
                task: str | None = None,
                limit: int | None = None,
                seed: int = 0) -> Anchors:
    """Cluster the boxes of the training streams by 1 - IoU.

    Boxes have the size in which the pipeline of validation shows them to the
    network, also where that is not square. Hidden labels are not read.

    Args:
        cfg: A config with ``train_dataloader`` and one of validation.
        num: Number of anchors.
        per_branch: Of each branch or level; default a third.
        task: Of kind boxes; None where there is one alone.
        limit: Images that are looked at; None for all.
        seed: Of the first centres.

    Raises:
        ConfigError: No boxes, fewer than anchors, or branches that cannot
            share the anchors evenly.
    """
    per_branch = per_branch or max(1, num // 3)
    if num < 1 or num % per_branch:
        raise ConfigError(f'{num} anchors cannot be shared by branches of '
                          f'{per_branch}: mend --num or --per-branch.')
    sizes, images, inputs = shapes_of(cfg, task, limit)
    if len(np.unique(sizes, axis=0)) < num:
        raise ConfigError(
            f'The training streams show {len(sizes)} boxes, too few sizes '
            f'for {num} anchors: lower --num.')
    shapes, overlap = find_anchors(torch.from_numpy(sizes), num, seed)
    rounded = shapes.round().clamp(min=1).int().tolist()
    return Anchors([(w, h) for w, h in rounded], overlap, sizes, images,
                   inputs.pop() if len(inputs) == 1 else None, per_branch)


def find_anchors(sizes: Tensor, num: int, seed: int = 0,
                 restarts: int = 10) -> tuple[Tensor, float]:
    """The best of several clusterings.

    Args:
        sizes: (M, 2) widths and heights.
        num: Number of anchors.
        seed: Of the first centres: far ones are likelier (k-means++).
        restarts: Clusterings, of which the one of most overlap is taken.

    Returns:
        Shapes (num, 2), smallest area first, and their mean overlap.
    """
    rng = np.random.default_rng(seed)
    sizes = sizes.double()
    best: tuple[Tensor, float] | None = None
    for _ in range(restarts):
        chosen = [int(rng.integers(len(sizes)))]
        while len(chosen) < num:
            gap = 1 - shape_iou(sizes, sizes[chosen]).amax(1).numpy()
            chosen.append(int(rng.choice(len(sizes), p=gap / gap.sum())))
        shapes, overlap = cluster_shapes(sizes, sizes[chosen])
        if best is None or overlap.item() > best[1]:
            best = shapes, overlap.item()
    assert best is not None
    return best


def shapes_of(
    cfg: Mapping[str, Any],
    task: str | None = None,
    limit: int | None = None
) -> tuple[NDArray[np.float32], int, set[tuple[int, int]]]:
    """Sizes of the training boxes as the network would be shown them.

    Args:
        cfg: A config.
        task: Of kind boxes; None where there is one alone.
        limit: Images that are looked at; None for all.

    Returns:
        (M, 2) widths and heights in pixels of the input, the number of
        images, and the inputs' sizes (height, width).

    Raises:
        ConfigError: No boxes of this task, or no pipeline of validation.
    """
    pipeline = _eval_pipeline(cfg)
    found: list[NDArray[np.float32]] = []
    inputs: set[tuple[int, int]] = set()
    tasks: set[str] = set()
    images = 0
    for name, loader in (cfg.get('train_dataloader') or {}).items():
        if loader is None:
            continue
        dataset = DATASETS.build(
            dict(copy.deepcopy(_innermost(loader)), pipeline=pipeline))
        own = {t for t in dataset.metainfo['tasks']
               if kind_of(t, dataset.metainfo) == BOXES}
        tasks |= own
        chosen = own if task is None else own & {task}
        if not chosen:
            continue
        for sample in _samples(dataset, name, limit):
            images += 1
            meta = sample.metainfo
            inputs.add(tuple(meta['img_shape'][:2]))
            for one in chosen & set(meta['tasks']):
                boxes = np.asarray(sample.get(gt_field(one)).bboxes)
                scale = np.array([*meta['scale_factor']] * 2, np.float32)
                sides = boxes.reshape(-1, 4) * scale
                found.append((sides[:, 2:] - sides[:, :2]).astype(np.float32))
    if len(tasks) > 1 and task is None:
        raise ConfigError(f'Boxes of {", ".join(sorted(tasks))}: choose one '
                          'by --task.')
    sizes = np.concatenate(found) if found else np.zeros((0, 2), np.float32)
    sizes = sizes[(sizes > 0).all(1)]
    if not len(sizes):
        raise ConfigError(
            'No stream of `train_dataloader` shows boxes'
            f'{"" if task is None else f" of {task!r}"}: there is nothing to '
            'fit anchors to.')
    return sizes, images, inputs


def _samples(dataset: Any, name: str, limit: int | None) -> Iterator[Any]:
    count = len(dataset) if limit is None else min(limit, len(dataset))
    for index in progress(range(count), total=count, what=name):
        yield dataset[index]['data_samples']


def _eval_pipeline(cfg: Mapping[str, Any]) -> list[Any]:
    """The pipeline of the first stream that is validated or tested.

    Raises:
        ConfigError: There is none.
    """
    for split in ('val', 'test'):
        for loader in (cfg.get(f'{split}_dataloader') or {}).values():
            if loader is not None:
                return list(copy.deepcopy(
                    _innermost(loader).get('pipeline') or []))
    raise ConfigError('The config has neither `val_dataloader` nor '
                      '`test_dataloader`, whose pipeline says in what size '
                      'the network sees images.')


def _innermost(loader: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data set of a stream without what repeats it.

    Raises:
        ConfigError: Several data sets in one.
    """
    dataset = loader['dataset']
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    if 'datasets' in dataset:
        raise ConfigError(
            f'A stream has a {dataset.get("type")} of several data sets: '
            'name one of them as `dataset` for this tool (--cfg-options).')
    found: Mapping[str, Any] = dataset
    return found


def draw_anchors(anchors: Anchors, path: str | Path, side: int = 640) -> None:
    """Draw the sizes of all boxes as points and the anchors as frames.

    Args:
        anchors: What was found.
        path: The PNG.
        side: Of the picture, in pixels.
    """
    top = float(np.percentile(anchors.sizes, 99.5))
    top = max(top, *(max(shape) for shape in anchors.shapes)) * 1.05
    margin, span = 40, side - 60
    picture = np.full((side, side, 3), 255, np.uint8)

    def at(size: Sequence[float]) -> tuple[int, int]:
        x, y = (int(min(v / top, 1) * span) for v in size)
        return margin + x, side - margin - y

    for size in anchors.sizes.tolist():
        cv2.circle(picture, at(size), 1, (190, 190, 190), -1)
    for number, branch in enumerate(anchors.branches):
        colour = _COLOURS[number % len(_COLOURS)]
        for shape in branch:
            cv2.rectangle(picture, at((0, 0)), at(shape), colour, 1,
                          cv2.LINE_AA)
            cv2.circle(picture, at(shape), 4, colour, -1, cv2.LINE_AA)
    cv2.line(picture, at((0, 0)), at((top, 0)), (0, 0, 0), 1)
    cv2.line(picture, at((0, 0)), at((0, top)), (0, 0, 0), 1)
    for text, place in ((f'width, up to {top:.0f} px', (margin, side - 14)),
                        (f'height, up to {top:.0f} px', (margin, 20))):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, .45,
                    (0, 0, 0), 1, cv2.LINE_AA)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture[..., ::-1])
