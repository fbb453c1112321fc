"""SegNet's decoder, alone or with the attention of each task (MTAN)."""
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from ..backbones.segnet import (DEPTHS, WIDTHS, Pooled, check_widths,
                                conv_layer, xavier)

__all__ = ['MTANDecoder', 'SegNetDecoder']


def _stages(widths: Sequence[int], repeats: int) -> ModuleList:
    """Layers of the decoder's stages; the first of a stage narrows."""
    after = [widths[0], *widths[:-1]]
    return ModuleList([
        ModuleList([conv_layer(a if j == 0 else b, b, repeats)
                    for j in range(depth)])
        for a, b, depth in zip(widths, after, DEPTHS)
    ])


def _unpooled(x: Tensor, indices: Tensor, like: Tensor) -> Tensor:
    """Each value where its maximum came from, 0 elsewhere."""
    size = [int(side) for side in like.shape[-2:]]
    full = F.max_unpool2d(x.float(), indices, (2, 2), output_size=size)
    return full.to(x)


def _check(x: object) -> Pooled:
    if not isinstance(x, Pooled):
        raise ConfigError('A SegNet decoder reads where a SegNetEncoder '
                          'pooled: set `model.backbone.type` to '
                          "'mmmultas.SegNetEncoder'.")
    return x


@MODELS.register_module()
class SegNetDecoder(BaseModule):
    """Mirrors the encoder; gives one level at full size.

    Args:
        widths: Those of the encoder.
        repeats: Likewise.
    """

    def __init__(self,
                 widths: Sequence[int] = WIDTHS,
                 repeats: int = 1,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        check_widths(widths, 'model.neck.widths')
        self.stages = _stages(widths, repeats)

    def init_weights(self) -> None:
        """Xavier's normal distribution."""
        xavier(self)
        super().init_weights()

    def forward(self, pooled: Pooled) -> tuple[Tensor, ...]:
        """To one level (N, widths[0], H, W).

        Raises:
            ConfigError: The backbone is another one.
        """
        pooled = _check(pooled)
        *_, (_, _, last) = self.steps(pooled)
        return (last, )

    def steps(self, pooled: Pooled
              ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Number of each stage, what it unpooled, and what it made of it."""
        x = pooled.pooled
        for s in reversed(range(len(self.stages))):
            up = _unpooled(x, pooled.indices[s], pooled.lasts[s])
            x = up
            for layer in self.stages[s]:
                x = layer(x)
            yield s, up, x


@MODELS.register_module()
class MTANDecoder(SegNetDecoder):
    """SegNet with attention per task (Liu, Johns, Davison, CVPR 2019).

    Each task weighs what encoder and decoder say, stage by stage, by masks
    of its own; what it carries from stage to stage passes layers that all
    tasks share. Gives one level per task at full size: a head reads its own,
    ``inputs='neck.0'``.

    Args:
        num_tasks: Number of levels.
        widths: Those of the encoder.
    """

    def __init__(self,
                 num_tasks: int,
                 widths: Sequence[int] = WIDTHS,
                 init_cfg: dict | None = None) -> None:
        super().__init__(widths, 1, init_cfg)
        before = [widths[0], *widths[:-1]]
        after = [*widths[1:], widths[-1]]
        self.down = ModuleList([conv_layer(a, b)
                                for a, b in zip(widths, after)])
        self.up = ModuleList([conv_layer(a, b)
                              for a, b in zip(widths, before)])
        self.see = ModuleList([
            ModuleList([_mask(w if s == 0 else 2 * w, w)
                        for s, w in enumerate(widths)])
            for _ in range(num_tasks)
        ])
        self.show = ModuleList([
            ModuleList([_mask(a + b, b) for a, b in zip(widths, before)])
            for _ in range(num_tasks)
        ])

    def forward(self, pooled: Pooled) -> tuple[Tensor, ...]:
        """To a level (N, widths[0], H, W) per task.

        Raises:
            ConfigError: The backbone is another one.
        """
        pooled = _check(pooled)
        shared = list(self.steps(pooled))
        return tuple(self._task(see, show, pooled, shared)
                     for see, show in zip(self.see, self.show))

    def _task(self, see: ModuleList, show: ModuleList, pooled: Pooled,
              shared: list[tuple[int, Tensor, Tensor]]) -> Tensor:
        x: Tensor | None = None
        for s, mask in enumerate(see):
            first, last = pooled.firsts[s], pooled.lasts[s]
            parts = first if x is None else torch.cat((first, x), 1)
            x = F.max_pool2d(self.down[s](mask(parts) * last), 2)
        assert x is not None
        for s, up, made in shared:
            x = F.interpolate(x, up.shape[-2:], mode='bilinear',
                              align_corners=True)
            x = show[s](torch.cat((up, self.up[s](x)), 1)) * made
        return x


def _mask(in_channels: int, channels: int) -> nn.Sequential:
    """Two 1x1 convolutions with batch norm; values in (0, 1)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1), nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels),
        nn.Sigmoid())
