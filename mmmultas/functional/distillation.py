"""What a student learns from a teacher's features and outputs (SPEC 8).

Functions of tensors; teachers carry no gradient and are detached here.

Shape legend: ``B`` images, ``L`` locations of all levels, ``F`` feature
channels, ``K`` anchors per location, ``A = L K`` anchors, ``C`` classes.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'balanced_soft_bce', 'defeat_terms', 'feature_mse', 'foreground_mask',
    'masked_kl', 'pdf_sums', 'pdf_terms'
]


def feature_mse(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of features of one shape.

    Args:
        student: (B, L, F).
        teacher: (B, L, F).

    Example:
        >>> feature_mse(torch.zeros(1, 2, 3), torch.full((1, 2, 3), 2.))
        tensor(4.)
    """
    return F.mse_loss(student, teacher.detach())


def pdf_sums(student_BLF: Tensor, teacher_BLF: Tensor,
             student_logits_BAC: Tensor, teacher_logits_BAC: Tensor,
             student_boxes_BA4: Tensor, teacher_boxes_BA4: Tensor
             ) -> dict[str, tuple[Tensor, Tensor]]:
    """PDF-Distil: learn where the student's detections differ most.

    Zhang et al., "PDF-Distil: including prediction disagreements in
    feature-based distillation for object detection", BMVC 2021.

    Args:
        student_BLF: Features.
        teacher_BLF: Features.
        student_logits_BAC: Raw class scores; A is a multiple of L, the
            anchors of a location lie together.
        teacher_logits_BAC: Likewise.
        student_boxes_BA4: Raw box outputs.
        teacher_boxes_BA4: Likewise.

    Returns:
        dict: Sum and count of three means. ``feature``: squared differences,
        weighted by where class scores disagree, and the sum of the weights;
        ``cls``: cross-entropy weighted by the squared disagreement, and the
        number of scores in which the teacher believes; ``box``: absolute
        differences, and their number.

    Example:
        >>> x, c, b = torch.ones(1, 2, 3), torch.zeros(1, 4, 5), torch.ones(
        ...     1, 4, 4)
        >>> sums = pdf_sums(x, x, c, c + 3, b, b)
        >>> [int(sums[k][1]) for k in ('cls', 'box')]
        [20, 16]
    """
    teacher_BLF, teacher_logits_BAC, teacher_boxes_BA4 = (
        t.detach()
        for t in (teacher_BLF, teacher_logits_BAC, teacher_boxes_BA4))
    believed = teacher_logits_BAC.sigmoid()
    gap_BAC = (believed - student_logits_BAC.detach().sigmoid())**2
    per_anchor = gap_BAC.sum(2).sqrt()
    batch, locations, channels = student_BLF.shape
    weight_BL1 = per_anchor.reshape(batch, locations, -1).mean(2, True)
    squared = (student_BLF - teacher_BLF)**2
    entropy = F.binary_cross_entropy_with_logits(
        student_logits_BAC, believed, reduction='none')
    boxes = (student_boxes_BA4 - teacher_boxes_BA4).abs()
    return dict(
        feature=((weight_BL1 * squared).sum(), weight_BL1.sum() * channels),
        cls=((gap_BAC * entropy).sum(), (believed > 0.5).sum().float()),
        box=(boxes.sum(), boxes.new_tensor(float(boxes.numel()))))


def pdf_terms(*args: Tensor) -> dict[str, Tensor]:
    """The three means of :func:`pdf_sums`; an empty one is 0.

    Example:
        >>> x, c, b = torch.ones(1, 2, 3), torch.zeros(1, 4, 5), torch.ones(
        ...     1, 4, 4)
        >>> terms = pdf_terms(x, x, c, c + 3, b, b)
        >>> [round(float(terms[k]), 3) for k in ('feature', 'cls', 'box')]
        [0.0, 0.142, 0.0]
    """
    return {
        name: total / torch.where(count > 0, count, 1)
        for name, (total, count) in pdf_sums(*args).items()
    }


def foreground_mask(centres_L2: Tensor, boxes_M4: Tensor) -> Tensor:
    """Which locations lie inside a box, borders included: (L,) bool.

    Args:
        centres_L2: x and y of the locations.
        boxes_M4: Corners in the same unit; M may be 0.

    Example:
        >>> foreground_mask(torch.tensor([[1., 1.], [2., 3.], [5., 5.]]),
        ...                 torch.tensor([[1., 1., 3., 3.]]))
        tensor([ True,  True, False])
    """
    x, y = centres_L2[:, :1], centres_L2[:, 1:]
    left, top, right, bottom = boxes_M4.unbind(1)
    inside_LM = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return inside_LM.any(1)


def defeat_terms(student_BLF: Tensor,
                 teacher_BLF: Tensor,
                 mask_BL: Tensor,
                 per_channel: bool = False) -> tuple[Tensor, Tensor]:
    """DeFeat: features inside and outside of boxes, each on its own.

    Guo et al., "Distilling object detectors via decoupled features", CVPR
    2021. The released code of the papers counts locations where the original
    counts values, and so is F times larger.

    Args:
        student_BLF: Features.
        teacher_BLF: Features.
        mask_BL: Whether a location is foreground.
        per_channel: Divide by values, as the original does.

    Returns:
        tuple: Foreground and background term.

    Example:
        >>> ours, theirs = torch.zeros(1, 2, 4), torch.ones(1, 2, 4)
        >>> defeat_terms(ours, theirs, torch.tensor([[True, False]]))
        (tensor(2.), tensor(2.))
    """
    batch, _, channels = student_BLF.shape
    squared_BL = ((student_BLF - teacher_BLF.detach())**2).sum(2)
    terms = []
    for part in (mask_BL, ~mask_BL):
        count = (2 * part.sum()).clamp(min=1)
        if per_channel:
            count = count * channels
        terms.append((squared_BL * part).sum() / count / batch)
    return terms[0], terms[1]


def balanced_soft_bce(student_logits: Tensor,
                      teacher_logits: Tensor,
                      alpha: float = 0.25,
                      gamma: float = 1.0) -> Tensor:
    """Cross-entropy with soft targets, weighted as focal loss would.

    Args:
        student_logits: Any shape.
        teacher_logits: The same shape; their sigmoids are the targets.
        alpha: Weight of certain positives; of certain negatives 1 - alpha.
        gamma: Focusing power.

    Returns:
        Tensor: The mean over all entries.

    Example:
        >>> zero = torch.zeros(2, 3)
        >>> round(float(balanced_soft_bce(zero, zero)), 4)
        0.1733
    """
    target = teacher_logits.detach().sigmoid()
    score = student_logits.sigmoid()
    balance = alpha * target + (1 - alpha) * (1 - target)
    focus = ((1 - score) * target + score * (1 - target))**gamma
    entropy = F.binary_cross_entropy_with_logits(
        student_logits, target, reduction='none')
    return (balance * focus * entropy).mean()


def masked_kl(student_NKHW: Tensor,
              teacher_NKHW: Tensor,
              temperature: float = 1.0,
              valid_NHW: Tensor | None = None) -> Tensor:
    """KL(teacher || student) of pixel classes, mean over valid pixels.

    Args:
        student_NKHW: Raw scores.
        teacher_NKHW: Raw scores.
        temperature: Softens both; the loss is multiplied by its square, so
            that gradients keep their size.
        valid_NHW: Pixels that take part, all by default.

    Example:
        >>> scores = torch.tensor([0., 9.]).reshape(1, 2, 1, 1)
        >>> masked_kl(scores, scores)
        tensor(0.)
    """
    log_p = (student_NKHW / temperature).log_softmax(1)
    log_q = (teacher_NKHW.detach() / temperature).log_softmax(1)
    kl_NHW = (log_q.exp() * (log_q - log_p)).sum(1)
    if valid_NHW is None:
        return kl_NHW.mean() * temperature**2
    count = valid_NHW.sum().clamp(min=1)
    return (kl_NHW * valid_NHW).sum() / count * temperature**2
