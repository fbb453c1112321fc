"""What a head reads besides the neck's levels, brought into these."""
from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = ['AddPooled']


@MODELS.register_module()
class AddPooled(BaseModule):
    """Add the last map, averaged to the size of each level before it.

    For a detector that reads a segmentation decoder beside the neck:
    ``heads.det.inputs = ('neck', 'seg.decoder')``. Its convolutions begin at
    0, so that the head begins as if it did not read the map.

    Args:
        in_channels: Channels of the last map.
        out_channels: Channels of the levels.
        num_levels: Levels before the last map.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 num_levels: int = 4,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, out_channels, 1, bias=False)
            for _ in range(num_levels))
        for conv in self.convs:
            nn.init.zeros_(conv.weight)  # type: ignore[arg-type]

    def init_weights(self) -> None:
        """Zeros."""
        for conv in self.convs:
            nn.init.zeros_(conv.weight)  # type: ignore[arg-type]

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the levels and a finer map to the levels, (N, C, H, W) each.

        Raises:
            ConfigError: Another number of levels.
        """
        *levels, extra = feats
        if len(levels) != len(self.convs):
            raise ConfigError(
                f'`model.heads.det.join.num_levels` is {len(self.convs)}, '
                f'but the head reads {len(levels)} levels and one more map: '
                'make them agree.')
        return tuple(
            level + conv(F.adaptive_avg_pool2d(
                extra, (level.shape[-2], level.shape[-1])))
            for level, conv in zip(levels, self.convs))
