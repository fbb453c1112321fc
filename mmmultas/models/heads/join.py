"""What a head reads besides the neck's levels, brought into these."""
from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.tracing import is_compiling

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
                f'`num_levels` of AddPooled is {len(self.convs)}, '
                f'but the head reads {len(levels)} levels and one more map: '
                'make them agree.')
        return tuple(level + conv(_averaged(extra, level))
                     for level, conv in zip(levels, self.convs))


def _averaged(x: Tensor, level: Tensor) -> Tensor:
    """A finer map (N, C, H, W) at the size of a level."""
    height, width = int(level.shape[-2]), int(level.shape[-1])
    rows, columns = int(x.shape[-2]) // height, int(x.shape[-1]) // width
    if is_compiling() and x.shape[-2:] == (rows * height, columns * width):
        # the same, as an operator that can be written down
        return F.avg_pool2d(x, (rows, columns))
    return F.adaptive_avg_pool2d(x, (height, width))
