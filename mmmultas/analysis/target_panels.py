"""Pictures of what boxes say about masks, and masks about boxes."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.datasets.box_masks import grab_cut
from mmmultas.functional.box_supervision import (ANY, NONE, box_cells,
                                                 inner_boxes, rank_targets,
                                                 smallest_on_top)
from mmmultas.functional.colour_pairs import colour_likeness
from mmmultas.functional.mask_supervision import kept_blobs
from mmmultas.functional.matching import match_by_iou
from mmmultas.models.companions.blobs import blobs_of
from mmmultas.models.companions.box_view import BoxView
from mmmultas.models.companions.label_spaces import NO_CLASS
from mmmultas.models.companions.mask_view import pixels_of
from mmmultas.models.companions.pixels import STRIDE
from mmmultas.visualization.drawing import (Colour, Picture, add_caption,
                                            blend_mask, draw_boxes)

__all__ = ['Canvas', 'box_panels', 'centre_scores', 'mask_panels']

GREY: Colour = (160, 160, 160)
POSITIVE: Colour = (40, 200, 60)
OPEN: Colour = (240, 150, 20)
#: Steps to four of the eight neighbours of a cell: the others mirror them.
_STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1))


@dataclass(frozen=True)
class Canvas:
    """A picture as the network sees it, enlarged.

    Attributes:
        image: (H, W, 3) RGB, in the size of the input.
        scale: Whole factor by which panels are larger.
        colours: One per pixel class.
        names: Likewise.
    """
    image: Picture
    scale: int
    colours: Sequence[Colour]
    names: Sequence[str]

    def large(self) -> Picture:
        """The picture, enlarged."""
        return np.asarray(np.kron(
            self.image, np.ones((self.scale, self.scale, 1), np.uint8)))

    def tinted(self, labels: NDArray[Any], caption: str,
               hidden: Sequence[int] = ()) -> Picture:
        """A panel of cells, or pixels, in their classes' colours."""
        height, width = self.image.shape[:2]
        sides = [height / labels.shape[0], width / labels.shape[1]]
        step = round(max(sides)) * self.scale
        full = np.kron(labels.astype(np.uint8),
                       np.ones((step, step), np.uint8))
        full = full[:height * self.scale, :width * self.scale]
        rest = [height * self.scale - full.shape[0],
                width * self.scale - full.shape[1]]
        full = np.pad(full, ((0, rest[0]), (0, rest[1])), mode='edge')
        return add_caption(
            blend_mask(self.large(), full, self.colours, hidden), caption)

    def boxes(self, boxes: Tensor, texts: Sequence[str],
              colours: Sequence[Colour], caption: str = '',
              onto: Picture | None = None) -> Picture:
        """A panel of boxes, in pixels of the input."""
        drawn = draw_boxes(self.large() if onto is None else onto,
                           boxes.numpy() * self.scale, texts, colours)
        return add_caption(drawn, caption) if caption else drawn


def centre_scores(view: BoxView, classes: int) -> Tensor:
    """Scores of a network that would see objects in the middle of boxes.

    Args:
        view: Boxes of an image.
        classes: K.

    Returns:
        (K, h, w) raw scores.
    """
    h, w = view.seen.shape
    scores = torch.full((classes, h, w), -4.)
    y = ((torch.arange(h) + .5) * STRIDE)[:, None]
    x = ((torch.arange(w) + .5) * STRIDE)[None]
    for (x1, y1, x2, y2), k in zip(view.boxes.tolist(), view.labels.tolist()):
        far = torch.maximum((x - (x1 + x2) / 2).abs() / max(x2 - x1, 1),
                            (y - (y1 + y2) / 2).abs() / max(y2 - y1, 1))
        scores[k] = torch.maximum(scores[k], 4 * (1 - 4 * far))
    return scores


def box_panels(canvas: Canvas, view: BoxView, scores: Tensor, rates: Tensor,
               delta: float, colours: Tensor,
               threshold: float) -> list[Picture]:
    """What the boxes of an image say about its mask.

    Args:
        canvas: The picture.
        view: Its boxes.
        scores: (K, h, w) by which boxes are filled.
        rates: (K,) share of its box that an object fills.
        delta: Half the width of the part that stays open.
        colours: (3, h, w) L*a*b* of cells.
        threshold: Likeness from which a pair of cells counts.
    """
    areas = (view.boxes[:, 2:] - view.boxes[:, :2]).prod(1)
    filled = smallest_on_top(view.cells, view.labels, areas)
    open_ = view.unsure & ~view.cells.any(0)
    inner = smallest_on_top(
        view.cells, view.labels, areas,
        box_cells(inner_boxes(view.boxes),
                  (view.seen.shape[0], view.seen.shape[1]), STRIDE))
    ranks = rank_targets(scores, view.allowed, view.cells & view.seen,
                         view.labels, rates[view.labels], delta, view.unsure)

    def shown(target: Tensor) -> NDArray[Any]:
        target = target.masked_fill(target == NONE, 0)
        return target.masked_fill(open_ | ~view.seen, ANY).numpy()

    height, width = canvas.image.shape[:2]
    cut = grab_cut(np.ascontiguousarray(canvas.image[..., ::-1]),
                   view.boxes.numpy(), view.labels.tolist())
    return [
        _given(canvas, view),
        canvas.tinted(shown(filled),
                      'loss_set: background, or also the class'),
        canvas.tinted(shown(ranks), 'ranks: class, open, background'),
        _lines(canvas, view),
        _pairs(canvas, view, colours, threshold),
        canvas.tinted(shown(filled), "static='filled'", (0, )),
        canvas.tinted(shown(inner), "static='inner'", (0, )),
        canvas.tinted(cut[:height, :width], 'GrabCut', (0, )),
    ]


def _given(canvas: Canvas, view: BoxView) -> Picture:
    ids = view.labels.tolist()
    return canvas.boxes(view.boxes, [canvas.names[k] for k in ids],
                        [canvas.colours[k] for k in ids], 'boxes')


def _lines(canvas: Canvas, view: BoxView) -> Picture:
    """Rows and columns of boxes, of axes that no crop has cut."""
    panel, s = canvas.large(), canvas.scale * STRIDE
    for cells, k, cut in zip(view.cells & view.seen, view.labels.tolist(),
                             view.cut.tolist()):
        colour = canvas.colours[k]
        # a row speaks where the box is whole across
        for axis in (0, 1):
            if cut[axis]:
                continue
            for place in cells.any(1 - axis).nonzero()[:, 0].tolist():
                line = (cells[place] if axis == 0 else
                        cells[:, place]).nonzero()[:, 0]
                first, last = int(line[0]) * s, (int(line[-1]) + 1) * s
                middle = place * s + s // 2
                ends = ((first, middle), (last, middle))
                if axis == 1:
                    ends = ((middle, first), (middle, last))
                cv2.line(panel, *ends, colour, 1)
    return add_caption(panel, 'loss_lines: each shows the class')


def _pairs(canvas: Canvas, view: BoxView, colours: Tensor,
           threshold: float) -> Picture:
    """Pairs of cells of like colour, as lines between their centres."""
    panel, s = canvas.large(), canvas.scale * STRIDE
    alike = colour_likeness(colours, view.seen) >= threshold
    alike &= view.cells.any(0) & view.seen
    for (dy, dx), place in zip(_STEPS, alike):
        for y, x in place.nonzero().tolist():
            start = (x * s + s // 2, y * s + s // 2)
            end = ((x + 2 * dx) * s + s // 2, (y + 2 * dy) * s + s // 2)
            cv2.line(panel, start, end, POSITIVE, 1)
    return add_caption(panel, 'loss_pairs: ends show one class')


def mask_panels(canvas: Canvas, made: Any, pair: Any, view: Any,
                anchors: Tensor) -> list[Picture]:
    """What the mask of an image says about its boxes.

    Args:
        canvas: The picture.
        made: The :class:`MaskForBox`.
        pair: The classes of both tasks.
        view: The sample, with its mask under the stock name.
        anchors: (A, 4) corners in pixels.
    """
    mask = pixels_of(view)
    sample, uncertain = made.targets(pair, view, anchors, None)
    known = [k for k in pair.pixel if k != NO_CLASS]
    _, blobs = blobs_of(mask, known)
    left = blobs[~kept_blobs(blobs, made.min_area * mask.numel(), made.rel)]
    found = sample.gt_instances
    ids = [pair.pixel[c] for c in found.labels.tolist()]
    panel = canvas.boxes(left[:, :4].float(), [''] * len(left),
                         [GREY] * len(left))
    panel = canvas.boxes(found.bboxes.float(), [canvas.names[k] for k in ids],
                         [canvas.colours[k] for k in ids], onto=panel)
    return [
        canvas.tinted(mask.numpy(), 'mask', (0, )),
        add_caption(panel, 'boxes; grey: left out'),
        _dots(canvas, sample, anchors, uncertain),
    ]


def _dots(canvas: Canvas, sample: Any, anchors: Tensor,
          uncertain: Tensor) -> Picture:
    """Centres of anchors that match an object or take no part."""
    panel = canvas.large()
    shown = torch.unique(sample.gt_instances.labels)
    open_ = uncertain[:, shown].any(1)
    overlap, _ = match_by_iou(anchors, sample.gt_instances.bboxes)
    positive = overlap >= .5
    for chosen, colour in ((open_ & ~positive, OPEN), (positive, POSITIVE)):
        centres = (anchors[chosen, :2] + anchors[chosen, 2:]) / 2
        for x, y in (centres * canvas.scale).round().int().tolist():
            cv2.circle(panel, (x, y), 2 * canvas.scale, colour, -1)
    return add_caption(panel, 'anchors: green match, orange take no part')
