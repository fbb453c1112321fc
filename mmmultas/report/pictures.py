"""Test images on which learning jointly changes the most."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import UserError
from mmmultas.utils.pictures import read_rgb
from mmmultas.utils.progress import progress
from mmmultas.visualization.drawing import (Picture, blend_mask,
                                            class_colours, draw_boxes)

from .blocks import Block, Gallery, Panel, Section, Skipped, Text
from .collect import Collection, Run
from .judged import ImageScores, Truth, TruthImage, attached, best_boxes
from .tested import Tested, predictions_of

__all__ = [
    'Changed', 'Pair', 'find_pair', 'jpeg_of', 'overlay', 'pictures_section',
    'ranked', 'read_picture'
]

SIDE = 440
HARD = (160, 160, 160)


@dataclass(frozen=True)
class Pair:
    """Runs to compare, all of one seed.

    Attributes:
        single: Task → the run that learns it alone.
        multi: The run that learns them jointly.
        title: What a reader calls the joint cell.
    """
    single: Mapping[str, Run]
    multi: Run
    title: str


@dataclass(frozen=True)
class Changed:
    """An image and its scores.

    Attributes:
        image: Its labels.
        single: Scores of the runs with one task.
        multi: Scores of the joint run.
    """
    image: TruthImage
    single: ImageScores
    multi: ImageScores

    @property
    def distance(self) -> float:
        """Sum of the absolute differences of both scores."""
        return sum(
            abs(b - a) for a, b in zip(self.single, self.multi)
            if a is not None and b is not None)


def find_pair(data: Collection, tested: Tested) -> Pair | None:
    """The baselines and the first joint cell of a seed that all have."""
    singles = {task: group for task in (DET, SEG)
               if (group := data.group(data.baseline.get(task)))}
    for group in data.groups:
        shared = [task for task in singles if task in group.tasks]
        if len(group.tasks) < 2 or not shared:
            continue
        for run in group.runs:
            own = {
                task: one for task in shared for one in singles[task].runs
                if one.seed == run.seed and one.name in tested.found
            }
            if run.name in tested.found and len(own) == len(shared):
                return Pair(own, run, group.title)
    return None


def ranked(tested: Tested, pair: Pair) -> list[Changed]:
    """The images of the joint test, the greatest change first."""
    multi = tested.found[pair.multi.name].scores
    single = {task: tested.found[run.name].scores
              for task, run in pair.single.items()}
    nothing = ImageScores(None, None)
    found = []
    for image in tested.truths[pair.multi.name].images:
        path = str(image.meta['img_path'])
        alone = ImageScores(
            single.get(DET, {}).get(path, nothing).found,
            single.get(SEG, {}).get(path, nothing).miou)
        found.append(Changed(image, alone, multi.get(path, nothing)))
    return sorted(found, key=lambda one: -one.distance)


def pictures_section(data: Collection, tested: Tested,
                     limit: int) -> tuple[Section, Pair | None, list[Changed]]:
    """Truth, single-task and joint predictions of the changed images.

    Returns:
        tuple: The section, and the pair and images that it shows.
    """
    section = Section('Pictures')
    pair = find_pair(data, tested)
    if pair is None or limit < 1:
        section.blocks.append(Skipped(
            'No pictures were asked for.' if pair else 'No pictures: they '
            'need predictions of a joint cell and of its tasks alone, with '
            'the same seed.'))
        return section, None, []
    chosen = [one for one in ranked(tested, pair) if one.distance][:limit]
    truth = tested.truths[pair.multi.name]
    names = ', '.join(run.name for run in pair.single.values())
    section.blocks.append(Text(
        f'Test images on which {pair.multi.name} (“{pair.title}”) and '
        f'{names} differ most, be it for better or worse, the greatest '
        'difference first: |Δ found| + |ΔmIoU| in points. Of the boxes, the '
        'best ones are drawn, as many as the image has labelled objects; '
        '“found” is the share of the objects that these hit, with the right '
        'class and an IoU above 0.5. mIoU is that of the image alone.'))
    drawn: list[Block] = []
    for place, one in enumerate(progress(chosen, what='pictures'), 1):
        try:
            drawn.append(_gallery(place, one, pair, truth))
        except UserError as error:
            drawn.append(Skipped(f'A picture is left out: {error}'))
    if not chosen:
        drawn.append(Skipped('All images have the same scores in both.'))
    section.blocks += drawn
    return section, pair, chosen


def read_picture(image: TruthImage) -> Picture:
    """A test image, RGB.

    Raises:
        DataError: It cannot be read.
    """
    return read_rgb(str(image.meta['img_path']), image.meta.get('exif', True))


def overlay(picture: Picture, meta: Mapping[str, Any], boxes: NDArray,
            texts: Sequence[str], labels: NDArray,
            mask: NDArray | None) -> Picture:
    """Boxes and classes of the pixels over a picture, at a moderate size.

    Args:
        picture: (H, W, 3) RGB.
        meta: Classes and palettes of the tasks.
        boxes: (M, 4) xyxy pixels, the last one on top.
        texts: M names.
        labels: (M,) classes; a difficult one has -1.
        mask: (H, W) classes of the pixels.
    """
    scale = SIDE / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    panel = np.asarray(cv2.resize(picture, size,
                                  interpolation=cv2.INTER_AREA), np.uint8)
    if mask is not None:
        names, colours = _colours(meta, SEG)
        mask = cv2.resize(mask.astype(np.uint8), size,
                          interpolation=cv2.INTER_NEAREST)
        panel = blend_mask(panel, mask, colours, [
            k for k, name in enumerate(names) if name == 'background'])
    if len(boxes):
        colours = _colours(meta, DET)[1]
        panel = draw_boxes(panel, boxes * scale, texts,
                           [colours[k] if k >= 0 else HARD
                            for k in labels.tolist()])
    return panel


def jpeg_of(picture: Picture, quality: int = 82) -> bytes:
    """An RGB picture as JPEG."""
    done, data = cv2.imencode('.jpg', picture[..., ::-1],
                              [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def _gallery(place: int, one: Changed, pair: Pair, truth: Truth) -> Gallery:
    picture = read_picture(one.image)
    single = attached(one.image, predictions_of(
        list(pair.single.values()), list(pair.single)))
    multi = attached(one.image, predictions_of([pair.multi]))
    panels = [Panel('ground truth', jpeg=jpeg_of(
        _truth_panel(picture, one.image, truth)))]
    masks = [one.image.mask]
    for title, sample, scores in (('single-task', single, one.single),
                                  ('multi-task', multi, one.multi)):
        panel, mask = _predicted_panel(picture, sample, truth,
                                       one.image)
        masks.append(mask)
        panels.append(Panel(title, jpeg=jpeg_of(panel),
                            caption=_scores_text(scores)))
    title = f'{place}. {one.image.meta["img_id"]}: {one.distance:.1f} points'
    return Gallery(panels, title, width=250, swatches=_swatches(truth, masks))


def _truth_panel(picture: Picture, image: TruthImage,
                 truth: Truth) -> Picture:
    names = truth.classes(DET) if DET in truth.meta else []
    order = np.argsort(~image.hard, kind='stable')
    texts = ['difficult' if hard else names[label] for label, hard in zip(
        image.labels[order].tolist(), image.hard[order].tolist())]
    labels = np.where(image.hard, -1, image.labels)[order]
    return overlay(picture, truth.meta, image.boxes[order], texts, labels,
                   image.mask)


def _predicted_panel(picture: Picture, sample: Any, truth: Truth,
                     image: TruthImage) -> tuple[Picture, NDArray | None]:
    boxes, labels, texts = np.zeros((0, 4)), np.zeros(0, int), []
    mask = None
    if 'pred_instances' in sample:
        found = sample.pred_instances
        # the best one on top
        found = found[best_boxes(found.scores.numpy(), image)[::-1].tolist()]
        names = truth.classes(DET)
        boxes, labels = found.bboxes.numpy(), found.labels.numpy()
        texts = [f'{names[label]} {score:.2f}' for label, score in zip(
            labels.tolist(), found.scores.tolist())]
    if 'pred_sem_seg' in sample:
        mask = sample.pred_sem_seg.sem_seg[0].numpy()
    return overlay(picture, truth.meta, boxes, texts, labels, mask), mask


def _colours(meta: Mapping[str, Any],
             task: str) -> tuple[list[str], list[tuple[int, int, int]]]:
    names = list(meta[task]['classes'])
    first = 0 if names[:1] == ['background'] else 1
    return names, class_colours(len(names), meta[task].get('palette'), first)


def _swatches(truth: Truth, masks: Sequence[NDArray | None]
              ) -> list[tuple[str, tuple[int, int, int]]]:
    if SEG not in truth.meta:
        return []
    names, colours = _colours(truth.meta, SEG)
    present = sorted({int(k) for mask in masks if mask is not None
                      for k in np.unique(mask)})
    return [(names[k], colours[k]) for k in present
            if k < len(names) and names[k] != 'background']


def _scores_text(scores: ImageScores) -> str:
    parts = [] if scores.found is None else [f'found {scores.found:.0f} %']
    if scores.miou is not None:
        parts.append(f'mIoU {scores.miou:.1f}')
    return ', '.join(parts)
