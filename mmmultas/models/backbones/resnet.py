"""ResNet without its first max-pool (SPEC 2)."""
from typing import Any

from mmdet.models.backbones import ResNet
from torch import nn

from mmmultas.registry import MODELS

__all__ = ['NoPoolResNet']


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
