"""The papers' segmentation head (SPEC 2)."""
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmdet.structures import SampleList
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision

from ..losses.loss_sum import LossSum
from ..necks.conv_block import ConvBlock
from .pixel_head import PixelHead

__all__ = ['PanopticFPNSegHead']


class _Upsampling(nn.Sequential):
    """``count`` times [ConvBlock, x2]; for none, one ConvBlock alone."""

    def __init__(self, in_channels: int, channels: int, count: int,
                 mode: str) -> None:
        layers: list[nn.Module] = []
        for i in range(max(count, 1)):
            layers.append(
                ConvBlock(in_channels if i == 0 else channels, channels))
            if count:
                layers.append(_Upsample(2, mode))
        super().__init__(*layers)


class _Upsample(nn.Module):
    """Enlarge by a whole factor."""

    def __init__(self, factor: int, mode: str) -> None:
        super().__init__()
        self.factor = factor
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        align = None if self.mode == 'nearest' else False
        return F.interpolate(
            x, scale_factor=self.factor, mode=self.mode, align_corners=align)


@MODELS.register_module()
class PanopticFPNSegHead(PixelHead):
    """Sum the levels at stride 4, refine at full size, classify.

    Args:
        num_classes: Classes K, background included.
        in_channels: Channels of every level.
        channels: Channels inside the head.
        num_levels: Levels read, from stride ``in_stride`` on.
        in_stride: Stride of the first level read, 8 or 4.
        upsample_mode: ``'nearest'`` as the papers' code, or ``'bilinear'``:
            smoother edges where there are no refine convolutions.
        num_refine_convs: 3x3 convolutions at full size: 3 in the released
            code, 0 in [P1] (and far cheaper).
        loss_decode: Config of the pixel loss, default
            :class:`CrossEntropyLoss`.
        ignore_index: Label of pixels that take no part.
    """
    #: What other heads may read as ``seg.decoder``: (N, C, H/4, W/4).
    taps = {'decoder': 'fused'}
    #: Outputs reach beyond images whose sides no stride divides.
    overshoots = True

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 256,
                 channels: int = 128,
                 num_levels: int = 4,
                 num_refine_convs: int = 3,
                 in_stride: int = 8,
                 upsample_mode: str = 'nearest',
                 loss_decode: dict | None = None,
                 ignore_index: int = 255,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes, loss_decode, ignore_index, init_cfg)
        if in_stride not in (4, 8):
            raise ConfigError('`heads.seg.in_stride` is the stride of the '
                              f'first level read, 4 or 8, not {in_stride}.')
        if upsample_mode not in ('nearest', 'bilinear'):
            raise ConfigError("`heads.seg.upsample_mode` is 'nearest' or "
                              f"'bilinear', not {upsample_mode!r}.")
        self.scales = nn.ModuleList(
            _Upsampling(in_channels, channels, i + in_stride // 8,
                        upsample_mode) for i in range(num_levels))
        self.fused = nn.Identity()
        self.to_full_size = _Upsample(4, upsample_mode)
        self.refine = nn.Sequential(*[
            ConvBlock(channels, channels) for _ in range(num_refine_convs)
        ])
        self.conv_seg = nn.Conv2d(channels, num_classes, 1, bias=False)

    def init_weights(self) -> None:
        """Classifier N(0, 0.01) (SPEC 2)."""
        nn.init.normal_(self.conv_seg.weight, std=0.01)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map levels of (N, C, H, W) to (N, K, H, W) at input size."""
        x = self._summed(feats)
        if len(self.refine) == 0:
            # 1x1 and upsampling commute: classify 16x fewer pixels
            full: Tensor = self.to_full_size(self.conv_seg(x))
            return full
        if self.to_full_size.mode == 'nearest':
            first: Any = self.refine[0]
            x = first.forward_upsampled(x, self.to_full_size.factor)
            x = self.refine[1:](x)
        else:
            x = self.refine(self.to_full_size(x))
        logits: Tensor = self.conv_seg(x)
        return logits

    def _summed(self, feats: Sequence[Tensor]) -> Tensor:
        """The levels' sum at stride 4.

        Raises:
            ConfigError: It is given more or fewer levels than it reads.
        """
        if len(feats) != len(self.scales):
            raise ConfigError(
                f'A {type(self).__name__} of `num_levels={len(self.scales)}` '
                f'is given {len(feats)} levels: make them agree.')
        x: Tensor = self.scales[0](feats[0])
        for scale, feat in zip(self.scales[1:], feats[1:]):
            up = scale(feat)
            # odd level sizes overshoot by a row: cut to the finest level
            x = x + up[..., :x.shape[-2], :x.shape[-1]]
        fused: Tensor = self.fused(x)
        return fused

    def loss_sums(self, feats: Sequence[Tensor],
                  samples: SampleList) -> dict[str, LossSum]:
        """The terms of :meth:`loss`, not divided yet.

        Args:
            feats: Levels of (N, C, H, W).
            samples: N samples with an int64 ``gt_sem_seg`` of input size.
        """
        if not self._scores_in_blocks():
            return self.loss_sums_by_feat(self(feats), samples)
        labels, joined = self._labels(samples)
        logits = self.conv_seg(self._summed(feats)).float()
        with full_precision():
            return dict(
                loss_ce=self.loss_decode.of_upsampled(
                    logits, labels, self.to_full_size.factor, **joined))

    def loss_sums_by_feat(self, outputs: Tensor,
                          samples: SampleList) -> dict[str, LossSum]:
        """:meth:`loss_sums` of raw scores (N, K, H, W) of :meth:`forward`."""
        if self._gives_blocks():
            labels, joined = self._labels(samples)
            # all scores of a block are those of its corner
            factor = self.to_full_size.factor
            with full_precision():
                return dict(
                    loss_ce=self.loss_decode.of_upsampled(
                        outputs[..., ::factor, ::factor].float(), labels,
                        factor, **joined))
        return super().loss_sums_by_feat(outputs, samples)

    def _scores_in_blocks(self) -> bool:
        """Whether a loss can be had without upsampling.

        Not where somebody listens to :meth:`forward`.
        """
        return (self._gives_blocks() and not self._forward_hooks
                and not self._forward_pre_hooks)

    def _gives_blocks(self) -> bool:
        """Whether scores are alike within blocks of pixels."""
        return (len(self.refine) == 0 and self.to_full_size.mode == 'nearest'
                and hasattr(self.loss_decode, 'of_upsampled'))

    def _sized(self, outputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Cut off what reaches beyond the input."""
        return outputs[..., :size[0], :size[1]]
