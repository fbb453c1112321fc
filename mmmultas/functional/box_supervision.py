"""What boxes say about the pixels of an image (docs/weak_losses.md).

Pixels are looked at in cells of ``stride`` pixels, by their centres; a set of
classes that a cell may show is a mask over the K classes. Everything is of
one image.

Shape legend: ``K`` pixel classes, ``M`` boxes, ``h`` by ``w`` cells.
"""
import math

import torch
from torch import Tensor

__all__ = [
    'allowed_classes', 'best_allowed', 'box_cells', 'cut_sides',
    'inner_boxes', 'line_dice', 'line_mil', 'narrowed', 'rank_targets',
    'set_losses', 'smallest_on_top'
]

_DICE_EPS = 5e-6
#: A target: any class that the boxes allow.
ANY = 255
#: A target: none of the classes that have boxes, the background.
NONE = 254


def box_cells(boxes_M4: Tensor, size: tuple[int, int],
              stride: int = 4) -> Tensor:
    """Cells whose centre lies in each box, (M, h, w) bool.

    A box has its left and upper border and not the other two.

    Args:
        boxes_M4: Corners in pixels.
        size: (h, w) cells.
        stride: Pixels per cell.

    Example:
        >>> box_cells(torch.tensor([[2., 0., 6., 4.]]), (1, 2)).tolist()
        [[[True, False]]]
    """
    h, w = size
    x = (torch.arange(w, device=boxes_M4.device) + 0.5) * stride
    y = (torch.arange(h, device=boxes_M4.device) + 0.5) * stride
    left, top, right, bottom = boxes_M4[..., None].unbind(1)
    across = (x >= left) & (x < right)
    down = (y >= top) & (y < bottom)
    return down[:, :, None] & across[:, None]


def allowed_classes(cells_Mhw: Tensor, labels_M: Tensor,
                    free_K: Tensor) -> Tensor:
    """Classes that each cell may show, (K, h, w) bool.

    Those that no box could announce, and those of the boxes around it.

    Args:
        cells_Mhw: Cells of each box.
        labels_M: Pixel class of each box.
        free_K: bool, classes that have no boxes: the background.

    Example:
        >>> cells = torch.tensor([[[True, False]]])
        >>> free = torch.tensor([True, False, False])
        >>> allowed_classes(cells, torch.tensor([2]), free)[:, 0].int()
        tensor([[1, 1],
                [0, 0],
                [1, 0]], dtype=torch.int32)
    """
    size = cells_Mhw.shape[1:]
    counts = torch.zeros((len(free_K), *size), device=cells_Mhw.device)
    counts.index_add_(0, labels_M, cells_Mhw.float())
    return free_K[:, None, None] | (counts > 0)


def set_losses(logits_Khw: Tensor, allowed_Khw: Tensor) -> Tensor:
    """-log of the probability of any allowed class, (h, w).

    Args:
        logits_Khw: Raw scores of a softmax.
        allowed_Khw: bool, at least one class per cell.

    Example:
        >>> allowed = torch.tensor([True, True, False]).reshape(3, 1, 1)
        >>> set_losses(torch.zeros(3, 1, 1), allowed)
        tensor([[0.4055]])
    """
    inside = logits_Khw.masked_fill(~allowed_Khw, -math.inf)
    return logits_Khw.logsumexp(0) - inside.logsumexp(0)


def narrowed(allowed_Khw: Tensor, target_hw: Tensor, free_K: Tensor) -> Tensor:
    """Allowed classes where a target is more certain than the boxes.

    Args:
        allowed_Khw: bool, what the boxes say.
        target_hw: A pixel class; 254 for none that has boxes; 255 for any
            that the boxes allow.
        free_K: bool, classes that have no boxes.

    Returns:
        (K, h, w) bool. Where a target leaves no class, as 254 does if every
        class has boxes, it is what the boxes say.

    Example:
        >>> allowed = torch.ones(2, 1, 3, dtype=torch.bool)
        >>> narrowed(allowed, torch.tensor([[254, 1, 255]]),
        ...          torch.tensor([True, False]))[:, 0].int()
        tensor([[1, 0, 1],
                [0, 1, 1]], dtype=torch.int32)
    """
    numbers = torch.arange(len(free_K), device=target_hw.device)
    only = numbers[:, None, None] == target_hw
    none = free_K[:, None, None] & (target_hw == NONE)
    found = only | none
    open_hw = (target_hw == ANY) | ~found.any(0)
    return torch.where(open_hw, allowed_Khw, found)


def best_allowed(logits_Khw: Tensor,
                 allowed_Khw: Tensor) -> tuple[Tensor, Tensor]:
    """A teacher's best class among those that boxes allow.

    Args:
        logits_Khw: Raw scores of a softmax.
        allowed_Khw: bool, at least one class per cell.

    Returns:
        tuple: its probability among the allowed ones, (h, w) in [0, 1], 1
        where only one is allowed; the class, (h, w) int64.

    Example:
        >>> allowed = torch.tensor([True, True, False]).reshape(3, 1, 1)
        >>> logits = torch.tensor([0., 1., 9.]).reshape(3, 1, 1)
        >>> best_allowed(logits, allowed)
        (tensor([[0.7311]]), tensor([[1]]))
    """
    inside = logits_Khw.masked_fill(~allowed_Khw, -math.inf).softmax(0)
    score, label = inside.max(0)
    return score, label


def line_mil(logits_Khw: Tensor,
             cells_Mhw: Tensor,
             labels_M: Tensor,
             cut_M2: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Each row and column of a tight box shows its class (BBTP, BoxInst).

    Hsu et al., NeurIPS 2019; Tian et al., CVPR 2021. The mean over lines of
    -log of the class's highest probability on it; rows and columns count
    alike. Where a crop cut a box left or right, a row may have lost its part
    of the object, and likewise columns.

    Args:
        logits_Khw: Raw scores of a softmax.
        cells_Mhw: Cells of each box.
        labels_M: Pixel class of each box.
        cut_M2: bool, whether a box was cut left or right, and above or
            below; None for none.

    Returns:
        tuple: (M,) losses with gradient, 0 of a box that says nothing; (M,)
        bool, the boxes that say something.

    Example:
        >>> cells = torch.ones(1, 2, 2, dtype=torch.bool)
        >>> loss, _ = line_mil(torch.zeros(2, 2, 2), cells, torch.tensor([1]))
        >>> loss
        tensor([0.6931])
    """
    logs_Mhw = logits_Khw.log_softmax(0)[labels_M].masked_fill(
        ~cells_Mhw, -math.inf)
    total = logits_Khw.new_zeros(len(labels_M))
    axes = torch.zeros_like(total)
    for axis in (0, 1):  # rows, then columns
        lines = cells_Mhw.any(2 - axis)
        best = torch.where(lines, logs_Mhw.amax(2 - axis), 0)
        count = lines.sum(1)
        counts = count > 0
        if cut_M2 is not None:
            counts = counts & ~cut_M2[:, axis]
        total = total - torch.where(counts, best.sum(1) / count.clamp(min=1),
                                    0)
        axes = axes + counts
    return total / axes.clamp(min=1), axes > 0


def line_dice(probs_Mhw: Tensor,
              cells_Mhw: Tensor,
              cut_M2: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """How far an object's projections are from those of its box (BoxInst).

    Tian et al., CVPR 2021: a line shows the object as surely as its surest
    cell does, and should do so where it meets the box; the dice loss of
    rows, plus that of columns. Its gradient vanishes where an object is not
    seen at all: :func:`line_mil` has none of that.

    Args:
        probs_Mhw: Probability of each box's object.
        cells_Mhw: bool, cells of each box.
        cut_M2: As of :func:`line_mil`.

    Returns:
        tuple: As of :func:`line_mil`.

    Example:
        >>> cells = torch.ones(1, 2, 2, dtype=torch.bool)
        >>> line_dice(torch.eye(2)[None], cells)[0].round()
        tensor([0.])
    """
    total = probs_Mhw.new_zeros(len(probs_Mhw))
    axes = torch.zeros_like(total)
    for axis in (0, 1):  # rows, then columns
        shown = probs_Mhw.amax(2 - axis)
        wanted = cells_Mhw.any(2 - axis).to(shown)
        both = (shown * wanted).sum(1)
        parts = (shown**2).sum(1) + wanted.sum(1) + 2 * _DICE_EPS
        counts = wanted.any(1)
        if cut_M2 is not None:
            counts = counts & ~cut_M2[:, axis]
        total = total + torch.where(counts, 1 - 2 * both / parts, 0)
        axes = axes + counts
    return total, axes > 0


def cut_sides(boxes_M4: Tensor, visible: tuple[float, ...],
              size: tuple[int, int], margin: float = 1.0) -> Tensor:
    """Whether a crop may have cut boxes left or right, above or below.

    A side may be cut if it lies on the frame and the picture does not end
    there.

    Args:
        boxes_M4: Corners in pixels.
        visible: The rectangle of the frame that shows the picture.
        size: (height, width) of the frame in pixels.
        margin: Pixels that still are "on the frame".

    Returns:
        (M, 2) bool.

    Example:
        >>> boxes = torch.tensor([[0., 3., 5., 8.], [2., 3., 8., 6.]])
        >>> cut_sides(boxes, (0, 0, 8, 6), (8, 8)).tolist()
        [[True, False], [True, False]]
        >>> cut_sides(boxes, (0, 0, 8, 8), (8, 20)).tolist()
        [[True, True], [False, False]]
        >>> cut_sides(boxes, (0, 0, 7.9999, 6), (8, 8)).tolist()
        [[True, False], [True, False]]
    """
    height, width = size
    limits = boxes_M4.new_tensor([0, 0, width, height])
    seen = boxes_M4.new_tensor(visible)
    # a hundredth of a pixel is rounding
    open_4 = (seen - limits).abs() <= .01
    on_frame = (boxes_M4 - limits).abs() <= margin
    cut_M4 = on_frame & open_4
    return cut_M4[:, :2] | cut_M4[:, 2:]


def rank_targets(logits_Khw: Tensor, allowed_Khw: Tensor, cells_Mhw: Tensor,
                 labels_M: Tensor, rates_M: Tensor, delta: float,
                 unsure_hw: Tensor | None = None) -> Tensor:
    """Boxes filled to their class's usual share, best cells first.

    Every box keeps its share of foreground: the network says where, the rate
    says how much (the idea of BCM: Song et al., CVPR 2019).

    Args:
        logits_Khw: Raw scores of a softmax; no gradient.
        allowed_Khw: bool, what all boxes of the image allow.
        cells_Mhw: Cells of each whole box.
        labels_M: Pixel class of each.
        rates_M: Share of each box that its class fills, in [0, 1].
        delta: Half the width of the part that is left open.
        unsure_hw: bool, cells under something else than a whole box, which
            are never said to be background.

    Returns:
        (h, w) int64: a class, 254 for background, 255 for what stays open.

    Example:
        >>> logits = torch.tensor([[[0., 0., 0., 0.]], [[3., 1., 0., 2.]]])
        >>> cells = torch.ones(1, 1, 4, dtype=torch.bool)
        >>> rank_targets(logits, torch.ones_like(logits).bool(), cells,
        ...              torch.tensor([1]), torch.tensor([.5]), .2)
        tensor([[  1, 255, 254, 255]])
    """
    size = logits_Khw.shape[1:]
    logs = logits_Khw.masked_fill(~allowed_Khw, -math.inf).log_softmax(0)
    best = torch.full(size, -math.inf, dtype=logs.dtype, device=logs.device)
    target = torch.full(size, ANY, dtype=torch.long, device=logs.device)
    against = torch.zeros(size, dtype=torch.long, device=logs.device)
    covers = torch.zeros_like(against)
    for cells, label, rate in zip(cells_Mhw, labels_M.tolist(),
                                  rates_M.tolist()):
        scores = logs[label][cells]
        n = len(scores)
        first = int(n * max(rate - delta, .05) + .5)
        last = int(n * min(rate + delta, 1) + .5)
        order = scores.argsort(descending=True, stable=True)
        rank = torch.empty_like(order).scatter(
            0, order, torch.arange(n, device=order.device))
        wins = (rank < first) & (scores > best[cells])
        best[cells] = torch.where(wins, scores, best[cells])
        target[cells] = torch.where(wins, label, target[cells])
        against[cells] += rank >= last
        covers += cells
    empty = against == covers  # outside of all boxes, too
    if len(labels_M):
        empty &= (covers == 0) | _one_class(cells_Mhw, labels_M)
    if unsure_hw is not None:
        empty &= ~unsure_hw
    return target.masked_fill(empty & (target == ANY), NONE)


def _one_class(cells_Mhw: Tensor, labels_M: Tensor) -> Tensor:
    """Cells whose boxes are all of one class, (h, w)."""
    labels = labels_M[:, None, None].expand_as(cells_Mhw)
    low = labels.masked_fill(~cells_Mhw, ANY).amin(0)
    return low == labels.masked_fill(~cells_Mhw, -1).amax(0)


def inner_boxes(boxes_M4: Tensor, share: float = .2) -> Tensor:
    """Boxes of the same centre and ratio with a share of the area.

    Example:
        >>> inner_boxes(torch.tensor([[0., 0., 4., 8.]]), .25)
        tensor([[1., 2., 3., 6.]])
    """
    centre = (boxes_M4[:, :2] + boxes_M4[:, 2:]) / 2
    half = (boxes_M4[:, 2:] - boxes_M4[:, :2]) / 2 * math.sqrt(share)
    return torch.cat([centre - half, centre + half], 1)


def smallest_on_top(cells_Mhw: Tensor, labels_M: Tensor, areas_M: Tensor,
                    inner_Mhw: Tensor | None = None) -> Tensor:
    """Boxes painted in their class, the smallest last (SDI's Box).

    Khoreva et al., CVPR 2017.

    Args:
        cells_Mhw: Cells of each box.
        labels_M: Pixel class of each.
        areas_M: Area of each in pixels.
        inner_Mhw: Cells that are painted; those of the box around them are
            left open (SDI's Box^i). None: the whole box.

    Returns:
        (h, w) int64: a class, 254 outside of all boxes, 255 left open.

    Example:
        >>> cells = torch.tensor([[[1, 1, 1, 0]], [[0, 1, 0, 0]]]).bool()
        >>> smallest_on_top(cells, torch.tensor([1, 2]), torch.tensor([9, 4]))
        tensor([[  1,   2,   1, 254]])
    """
    target = torch.full(cells_Mhw.shape[1:], NONE, dtype=torch.long,
                        device=cells_Mhw.device)
    if inner_Mhw is not None:
        target[cells_Mhw.any(0)] = ANY
    for m in areas_M.argsort(descending=True, stable=True).tolist():
        painted = cells_Mhw[m] if inner_Mhw is None else inner_Mhw[m]
        target[painted] = labels_M[m]
    return target
