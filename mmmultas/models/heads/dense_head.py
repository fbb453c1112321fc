"""The papers' segmentation head for maps of numbers."""
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmmultas.registry import MODELS

from .panoptic_fpn_head import PanopticFPNSegHead

__all__ = ['DenseHead']


@MODELS.register_module()
class DenseHead(PanopticFPNSegHead):
    """:class:`PanopticFPNSegHead` with a bias and without a loss.

    Sums the levels at stride 4, refines at full size, and puts out raw maps
    (N, C, H, W); its task says what they mean and what their loss is.

    Args:
        num_classes: Channels C; set by the task.
        **kwargs: Those of :class:`PanopticFPNSegHead` but for its loss.
    """
    loss_terms: tuple[str, ...] = ()

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(num_classes, **kwargs)
        del self.loss_decode
        old = self.conv_seg
        self.conv_seg = nn.Conv2d(old.in_channels, num_classes, 1)

    def init_weights(self) -> None:
        """Last convolution N(0, 0.01), bias 0."""
        super().init_weights()
        assert self.conv_seg.bias is not None
        nn.init.zeros_(self.conv_seg.bias)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map levels of (N, C, H, W) to raw maps at input size."""
        return super().forward(feats)
