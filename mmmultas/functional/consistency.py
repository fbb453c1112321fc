"""What a network learns from its own moving average.

Shape legend: ``A`` anchors, ``C`` classes, ``M`` boxes, ``h`` by ``w``
places of ``stride`` pixels.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['mixture_threshold', 'soft_anchor_sums', 'warp_boxes', 'warp_map']

_IGNORE = 255


def warp_map(values_hw: Tensor,
             matrix_33: Tensor,
             size: tuple[int, int],
             stride: int = 1,
             fill: int = _IGNORE) -> Tensor:
    """A map of one view as another view sees it, nearest neighbours.

    Args:
        values_hw: Labels of the first view.
        matrix_33: Maps points (x, y, 1) of the first view to the second, in
            pixels whose centres are at .5.
        size: Height and width of the result.
        stride: Pixels per place in both.
        fill: Where the first view shows nothing.

    Example:
        >>> shift = torch.eye(3)
        >>> shift[0, 2] = 1
        >>> warp_map(torch.tensor([[3, 4]]), shift, (1, 3)).tolist()
        [[255, 3, 4]]
    """
    height, width = size
    back = torch.linalg.inv(matrix_33.double())
    y = (torch.arange(height, dtype=torch.double) + .5) * stride
    x = (torch.arange(width, dtype=torch.double) + .5) * stride
    points = torch.stack([
        x.expand(height, width), y[:, None].expand(height, width),
        torch.ones(height, width, dtype=torch.double)], -1) @ back.T.cpu()
    places = (points[..., :2] / points[..., 2:] / stride).floor().long()
    places = places.to(values_hw.device)
    columns, rows = places.unbind(-1)
    h, w = values_hw.shape
    inside = (columns >= 0) & (columns < w) & (rows >= 0) & (rows < h)
    found = values_hw[rows.clamp(0, h - 1), columns.clamp(0, w - 1)]
    return found.masked_fill(~inside, fill)


def warp_boxes(boxes_M4: Tensor, matrix_33: Tensor,
               size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Boxes of one view in another, and the share of each that is in view.

    Args:
        boxes_M4: Corners in pixels of the first view.
        matrix_33: Maps points of the first view to the second.
        size: Height and width of the second view.

    Returns:
        tuple: (M, 4) corners that are not cut to the view, the hull of the
        moved corners; (M,) shares in [0, 1].

    Example:
        >>> mirror = torch.tensor([[-1., 0., 8.], [0., 1., 0.], [0., 0., 1.]])
        >>> warp_boxes(torch.tensor([[6., 0., 10., 4.]]), mirror, (4, 8))
        (tensor([[-2.,  0.,  2.,  4.]]), tensor([0.5000]))
    """
    matrix = matrix_33.to(boxes_M4)
    x1, y1, x2, y2 = boxes_M4.unbind(1)
    corners = torch.stack([torch.stack(p, -1) for p in (
        (x1, y1), (x2, y1), (x1, y2), (x2, y2))], 1)
    ones = torch.ones_like(corners[..., :1])
    moved = torch.cat([corners, ones], -1) @ matrix.T
    moved = moved[..., :2] / moved[..., 2:]
    boxes = torch.cat([moved.amin(1), moved.amax(1)], 1)
    limit = boxes.new_tensor([size[1], size[0]] * 2)
    seen = torch.minimum(boxes.clamp(min=0), limit)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    inside = (seen[:, 2:] - seen[:, :2]).clamp(min=0).prod(1)
    return boxes, inside / areas.clamp(min=1e-6)


def soft_anchor_sums(student_AC: Tensor,
                     teacher_AC: Tensor,
                     top: float = .01,
                     allowed_AC: Tensor | None = None,
                     ignore_AC: Tensor | None = None,
                     beta: float = 2.0) -> tuple[Tensor, Tensor]:
    """Scores of a teacher's best anchors as soft labels (Dense Teacher).

    Zhou et al., ECCV 2022: the ``top`` share of anchors keeps the teacher's
    scores, all others are negatives; quality focal loss over the sum of the
    best scores.

    Args:
        student_AC: Raw scores of one image.
        teacher_AC: Raw scores, no gradient.
        top: Share of the anchors.
        allowed_AC: bool, entries that the image's labels do not exclude.
        ignore_AC: bool, entries that take no part where they are negatives.
        beta: Focusing power.

    Returns:
        tuple: Sum with gradient, and the sum of the chosen anchors' scores.

    Example:
        >>> teacher = torch.tensor([[9.], [-9.]])
        >>> total, count = soft_anchor_sums(teacher, teacher, .5)
        >>> round(total.item(), 4), round(count.item(), 2)
        (0.0, 1.0)
    """
    target = teacher_AC.detach().sigmoid()
    if allowed_AC is not None:
        target = target * allowed_AC
    best_A = target.amax(1)
    chosen = best_A.topk(max(int(len(best_A) * top), 1)).indices
    keep = torch.zeros_like(best_A, dtype=torch.bool)
    keep[chosen] = True
    target = target * keep[:, None]
    loss = (target - student_AC.sigmoid()).abs()**beta * (
        F.binary_cross_entropy_with_logits(student_AC, target,
                                           reduction='none'))
    if ignore_AC is not None:
        loss = loss.masked_fill(ignore_AC & (target == 0), 0)
    return loss.sum(), best_A[chosen].sum()


def mixture_threshold(scores_n: Tensor, steps: int = 20) -> float:
    """Lowest score of the upper of two groups of scores.

    Two normal distributions are fitted, from the lowest and the highest
    score on (ConsistentTeacher: Wang et al., CVPR 2023).

    Args:
        scores_n: In [0, 1], two or more.
        steps: Of expectation and maximisation.

    Example:
        >>> scores = torch.tensor([.1, .12, .15, .2, .8, .85, .9])
        >>> round(mixture_threshold(scores), 2)
        0.8
    """
    scores = scores_n.double()
    mean = torch.stack([scores.min(), scores.max()])
    var = scores.new_full((2, ), max(float(scores.var()), 1e-4))
    share = scores.new_full((2, ), .5)
    own = torch.zeros(len(scores), 2, dtype=torch.double)
    for _ in range(steps):
        logs = (share.log() - var.log() / 2
                - (scores[:, None] - mean)**2 / (2 * var))
        own = logs.softmax(1)
        count = own.sum(0).clamp(min=1e-6)
        mean = (own * scores[:, None]).sum(0) / count
        var = ((own * (scores[:, None] - mean)**2).sum(0) / count).clamp(
            min=1e-4)
        share = (count / len(scores)).clamp(min=1e-6)
    upper = (own[:, 1] > own[:, 0]) & (scores >= mean[0])
    return float(scores[upper].min() if upper.any() else scores.max())
