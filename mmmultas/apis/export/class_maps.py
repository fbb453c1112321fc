"""The class of every pixel of an enlarged map of scores, for ONNX."""
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['LargestClass']


class LargestClass(torch.autograd.Function):
    """Enlarge scores and take the largest, channels last where it is ONNX.

    onnxruntime enlarges maps of many channels faster that way round, and
    finds the largest of numbers that lie side by side.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, size: Tensor,
                align_corners: bool) -> Tensor:
        """Map scores to classes (1, H, W) int64.

        Args:
            ctx: Not used.
            scores: (1, K, h, w).
            size: (4,) int64: 1, H, W, K.
            align_corners: As of ``F.interpolate``, bilinear.
        """
        height, width = int(size[1]), int(size[2])
        return F.interpolate(scores, size=(height, width), mode='bilinear',
                             align_corners=align_corners).argmax(1)

    @staticmethod
    def symbolic(g: Any, scores: Any, size: Any, align_corners: bool) -> Any:
        """Transpose, Resize, ArgMax."""
        none = g.op('Constant', value_t=torch.tensor([],
                                                     dtype=torch.float32))
        last = g.op('Transpose', scores, perm_i=[0, 2, 3, 1])
        large = g.op(
            'Resize', last, none, none, size, mode_s='linear',
            coordinate_transformation_mode_s='align_corners'
            if align_corners else 'pytorch_half_pixel')
        return g.op('ArgMax', large, axis_i=3, keepdims_i=0)
