"""Operators of mmcv where nobody has compiled them.

MMDetection and MMSegmentation ask ``mmcv._ext`` for more than a hundred
operators when they are imported. Most models call two of them: ``nms``, and
on a GPU the focal loss. Where there is no ``_ext``, this module takes its
place: NMS in NumPy, with the sums of the compiled one in the same order, the
focal loss in PyTorch, and in place of every other operator a sentence that is
raised when it is called.

It is the last of Python's finders, so that compiled operators always win.
Nothing heavy is imported before somebody asks for them.
"""
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = [
    'MissingOperator', 'OperatorFinder', 'are_compiled', 'install_operators',
    'nms', 'sigmoid_focal_loss_backward', 'sigmoid_focal_loss_forward'
]

_NAME = 'mmcv._ext'
#: Boxes that are compared at a time.
_BLOCK = 64


class OperatorFinder(MetaPathFinder, Loader):
    """Finds ``mmcv._ext``, asked after all that could find a compiled one."""

    def find_spec(self,
                  fullname: str,
                  path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """What importlib is to make of a name: a module of ours, or None."""
        if fullname != _NAME:
            return None
        return ModuleSpec(fullname, self, origin=__name__)

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module; names that it has not are missing operators."""
        module.__doc__ = ('NMS in NumPy, the focal loss in PyTorch; other '
                          'operators are not compiled.')
        vars(module).update(
            nms=nms,
            sigmoid_focal_loss_forward=sigmoid_focal_loss_forward,
            sigmoid_focal_loss_backward=sigmoid_focal_loss_backward,
            get_compiler_version=_compiler,
            get_compiling_cuda_version=_cuda,
            __getattr__=_missing)


@dataclass(frozen=True)
class MissingOperator:
    """Stands for an operator that was not compiled.

    Args:
        name: Its name in ``mmcv._ext``.

    Raises:
        ConfigError: It is called.
    """
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConfigError(
            f'`{self.name}` is one of the operators that mmcv compiles, and '
            'here they are not compiled: run `make operators` '
            '(docs/install.md says how without make), or choose a part of '
            'the model that does not call it (docs/heads.md).')


def install_operators() -> None:
    """Let ``import mmcv.ops`` work without compiled operators."""
    if not any(isinstance(f, OperatorFinder) for f in sys.meta_path):
        sys.meta_path.append(OperatorFinder())


def are_compiled() -> bool:
    """Whether mmcv is here with operators that were compiled."""
    try:
        spec = importlib.util.find_spec(_NAME)
    except ModuleNotFoundError:  # no mmcv
        return False
    return spec is not None and not isinstance(spec.loader, OperatorFinder)


def nms(boxes: 'Tensor', scores: 'Tensor', iou_threshold: float,
        offset: int) -> 'Tensor':
    """Suppress boxes that overlap with a better one, as mmcv does on a CPU.

    Float32 like the compiled operator, and in its order, so that both keep
    the same boxes; not-a-number compares as in C++. Boxes of a GPU are
    compared on the CPU.

    Args:
        boxes: (M, 4), float32, xyxy, on any device.
        scores: (M,), on the same.
        iou_threshold: Boxes that overlap by more than this are suppressed.
        offset: Is added to widths and heights, 0 or 1.

    Returns:
        (K,), int64: indices of what is kept, by falling score, on the
        device of the boxes.

    Raises:
        TypeError: The boxes are not float32.

    Source: mmcv, ``ops/csrc/pytorch/cpu/nms.cpp``.
    """
    import numpy as np
    import torch

    if boxes.dtype != torch.float32:
        raise TypeError(f'nms compares boxes of float32, not {boxes.dtype}.')
    # The same sort, since the order of ties is its own.
    order = scores.detach().sort(0, descending=True)[1]
    table = boxes.detach()[order].T.cpu().numpy()
    with np.errstate(all='ignore'):
        kept = _suppress(table, np.float32(iou_threshold), np.float32(offset))
    return order[torch.from_numpy(kept).to(order.device)]


def sigmoid_focal_loss_forward(logits: 'Tensor', target: 'Tensor',
                               weight: 'Tensor', output: 'Tensor',
                               gamma: float, alpha: float) -> None:
    """The sigmoid focal loss of every class, in the place of mmcv's for a GPU.

    Logarithms are taken of logits, which is exact where mmcv's end at 87.

    Args:
        logits: (M, C).
        target: (M,), int64: classes, C for background.
        weight: (C,) of the classes, or empty.
        output: (M, C), is filled.
        gamma: Power of the modulating factor.
        alpha: Weight of what is there, 1 - alpha of what is not.

    Source: Lin et al., Focal Loss for Dense Object Detection, 2017; mmcv,
    ``sigmoid_focal_loss_cuda_kernel.cuh``.
    """
    import torch
    from torch.nn.functional import logsigmoid

    logits = logits.float()
    there = (-logits).sigmoid()**gamma * logsigmoid(logits)
    absent = logits.sigmoid()**gamma * logsigmoid(-logits)
    output.copy_(torch.where(_is_class(logits, target), -alpha * there,
                             (alpha - 1) * absent))
    _weigh(output, target, weight)


def sigmoid_focal_loss_backward(logits: 'Tensor', target: 'Tensor',
                                weight: 'Tensor', grad: 'Tensor',
                                gamma: float, alpha: float) -> None:
    """The slope of :func:`sigmoid_focal_loss_forward` at every logit.

    Args:
        logits: (M, C).
        target: (M,), int64: classes, C for background.
        weight: (C,) of the classes, or empty.
        grad: (M, C), is filled.
        gamma: Power of the modulating factor.
        alpha: Weight of what is there, 1 - alpha of what is not.
    """
    import torch
    from torch.nn.functional import logsigmoid

    logits = logits.float()
    prob, rest = logits.sigmoid(), (-logits).sigmoid()
    there = rest**gamma * (rest - gamma * prob * logsigmoid(logits))
    absent = prob**gamma * (gamma * rest * logsigmoid(-logits) - prob)
    grad.copy_(torch.where(_is_class(logits, target), -alpha * there,
                           (alpha - 1) * absent))
    _weigh(grad, target, weight)


def _is_class(logits: 'Tensor', target: 'Tensor') -> 'Tensor':
    """(M, C), bool: the column is the row's class."""
    import torch

    classes = torch.arange(logits.shape[1], device=logits.device)
    return target[:, None] == classes


def _weigh(values: 'Tensor', target: 'Tensor', weight: 'Tensor') -> None:
    """Multiply rows by the weight of their class, background by 1."""
    if weight.numel():
        of_all = weight.new_ones(len(weight) + 1)
        of_all[:-1] = weight
        values *= of_all[target, None]


def _suppress(table: 'np.ndarray', threshold: 'np.float32',
              offset: 'np.float32') -> 'np.ndarray':
    """(4, M), corners by falling score → indices of what is kept, (K,)."""
    import numpy as np

    x1, y1, x2, y2 = table
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    table = np.stack((x1, y1, x2, y2, areas))
    left: np.ndarray = np.arange(len(areas))
    kept: list[np.ndarray] = []
    while len(left):
        block, left = left[:_BLOCK], left[_BLOCK:]
        hits = _overlaps(table, block, block, offset) > threshold
        hits = np.triu(hits, 1)  # a worse box suppresses no better one
        alive = np.ones(len(block), bool)
        for row in np.flatnonzero(hits.any(1)):
            if alive[row]:
                alive &= ~hits[row]
        kept.append(block[alive])
        hits = _overlaps(table, kept[-1], left, offset) > threshold
        left = left[~hits.any(0)]
    return np.concatenate(kept) if kept else left


def _overlaps(table: 'np.ndarray', better: 'np.ndarray',
              worse: 'np.ndarray', offset: 'np.float32') -> 'np.ndarray':
    """IoU of two choices of columns, (B, W).

    ``std::max`` treats not-a-number otherwise than NumPy; but where a corner
    or a width is none, the area is none either, and the comparison false.
    """
    import numpy as np

    x1, y1, x2, y2, areas = table[:, better, None]
    u1, v1, u2, v2, others = table[:, None, worse]
    zero = np.float32(0)
    w = np.maximum(zero, np.minimum(x2, u2) - np.maximum(x1, u1) + offset)
    h = np.maximum(zero, np.minimum(y2, v2) - np.maximum(y1, v1) + offset)
    inter = w * h
    return inter / (areas + others - inter)


def _missing(name: str) -> MissingOperator:
    """The ``__getattr__`` of the module."""
    if name.startswith('_'):
        raise AttributeError(f'module {_NAME!r} has no attribute {name!r}')
    return MissingOperator(name)


def _compiler() -> str:
    return 'not compiled'


def _cuda() -> str:
    return 'not available'
