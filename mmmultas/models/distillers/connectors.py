"""What makes a student's features comparable with a teacher's."""
from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = ['IdentityConnector', 'LevelProjection']


@MODELS.register_module()
class LevelProjection(BaseModule):
    """A 1x1 convolution per level (SPEC 8).

    Args:
        in_channels: Of the student.
        out_channels: Of the teacher.
        num_levels: Levels.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 num_levels: int = 4) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, out_channels, 1)
            for _ in range(num_levels))

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Map levels (N, C, H, W) to as many of (N, C', H, W).

        Raises:
            ConfigError: Another number of levels or channels.
        """
        if isinstance(levels, Tensor):
            raise ConfigError('A LevelProjection wants the levels of a neck '
                              'or backbone, and gets one tensor: record '
                              'another module.')
        want = [self.in_channels] * len(self.convs)
        got = [level.shape[1] for level in levels]
        if want != got:
            raise ConfigError(
                f'A LevelProjection for {len(want)} levels of '
                f'{self.in_channels} channels gets {len(got)} levels of '
                f'{", ".join(map(str, got))} channels: mend `num_levels` and '
                '`in_channels` of the connector.')
        return [conv(level) for conv, level in zip(self.convs, levels)]


@MODELS.register_module()
class IdentityConnector(BaseModule):
    """Features as they are."""

    def forward(self, levels: Any) -> Any:
        """The levels."""
        return levels
