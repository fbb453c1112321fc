"""The mapping network of the paper: a SegNet encoder with FiLM."""
from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from mmengine.model import ModuleDict, ModuleList
from torch import Tensor

from mmmultas.registry import MODELS

from ..backbones.segnet import DEPTHS, WIDTHS, check_widths
from .base import ConvNorm, FiLM, PairMapping

__all__ = ['SegNetMapping']


@MODELS.register_module()
class SegNetMapping(PairMapping):
    """Stages of convolution, norm per image, FiLM, ReLU; then max-pooling.

    The embedding is the last pooled map: (M, widths[-1], H / 32, W / 32).

    Args:
        channels: Task → channels of its maps; given by the companion.
        widths: Channels of the five stages; those of the input layers are
            the first one's.
        conditioned: Whether the trunk knows the pair (FiLM).
    """
    #: It divides the sides of images.
    size_divisor = 32
    shown_layer = 'stages.4.1'

    def __init__(self,
                 channels: Mapping[str, int],
                 widths: Sequence[int] = WIDTHS,
                 conditioned: bool = True) -> None:
        super().__init__(channels, conditioned)
        check_widths(widths, 'mapping.widths')
        first, self.out_channels = widths[0], widths[-1]
        self.inputs = ModuleDict({task: ConvNorm(count, first)
                                  for task, count in channels.items()})
        before = [first, *widths[:-1]]
        self.stages = ModuleList([
            ModuleList([ConvNorm(a if j == 0 else b, b) for j in range(depth)])
            for a, b, depth in zip(before, widths, DEPTHS)
        ])
        layers = [b for b, depth in zip(widths, DEPTHS) for _ in range(depth)]
        self.film = ModuleList([FiLM(b, self.pairs) for b in layers]
                               if conditioned else [])

    def trunk(self, x: Tensor, index: Tensor, columns: Tensor) -> Tensor:
        """(U, C, H, W) to (M, D, H / 32, W / 32)."""
        spread, number = index, 0
        for stage in self.stages:
            for layer in stage:
                x = F.relu_(layer(x, self.condition(columns, number),
                                  spread if number == 0 else None))
                number += 1
            x = F.max_pool2d(x, 2)
        return x
