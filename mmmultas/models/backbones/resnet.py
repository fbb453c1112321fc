"""ResNets of the papers: halved once less (SPEC 2), or dilated."""
from typing import Any

from mmdet.models.backbones import ResNet
from torch import nn

from mmmultas.registry import MODELS

__all__ = ['DilatedResNet', 'NoPoolResNet', 'dilate']


@MODELS.register_module()
class NoPoolResNet(ResNet):
    """mmdet's ResNet, halved once less (ScratchDet; [P1] 3).

    The stages' strides are 2, 4, 8, 16. Nothing is frozen and batch norm is
    trained unless the config says otherwise.

    Args:
        depth: 18, 34, 50, 101 or 152.
        out_indices: Stages that are returned; the papers take the last two.
        frozen_stages: As in mmdet; -1 freezes nothing.
        norm_eval: As in mmdet.
        **kwargs: Further arguments of :class:`mmdet.ResNet`.
    """

    def __init__(self,
                 depth: int,
                 out_indices: tuple[int, ...] = (2, 3),
                 frozen_stages: int = -1,
                 norm_eval: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(
            depth,
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            **kwargs)
        self.maxpool = nn.Identity()


@MODELS.register_module()
class DilatedResNet(ResNet):
    """mmdet's ResNet at stride 8 (SPEC-MTPSL 2).

    The last two stages are dilated by 2 and 4 where they would halve; the
    convolution that would is dilated by half of that. (MMDetection's own
    ``dilations`` leave out the second convolution of a basic block.)

    Args:
        depth: 18, 34, 50, 101 or 152.
        out_indices: Stages that are returned; the last by default.
        frozen_stages: As in mmdet; -1 freezes nothing.
        norm_eval: As in mmdet.
        **kwargs: Further arguments of :class:`mmdet.ResNet`.
    """

    def __init__(self,
                 depth: int,
                 out_indices: tuple[int, ...] = (3, ),
                 frozen_stages: int = -1,
                 norm_eval: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(
            depth,
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            **kwargs)
        for name, factor in (('layer3', 2), ('layer4', 4)):
            dilate(getattr(self, name), factor)


def dilate(stage: nn.Module, factor: int) -> None:
    """Let a stage keep the size of its maps, in place.

    Args:
        stage: A stage of a ResNet.
        factor: Dilation of its 3x3 convolutions.
    """
    for conv in stage.modules():
        if not isinstance(conv, nn.Conv2d):
            continue
        halves = conv.stride == (2, 2)
        conv.stride = (1, 1)
        if conv.kernel_size == (3, 3):
            own = factor // 2 if halves else factor
            conv.dilation = conv.padding = (own, own)
