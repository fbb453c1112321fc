"""In which order numbers lie in memory."""
from typing import Any

import torch
from torch import nn

from mmmultas.utils.errors import ConfigError

__all__ = ['lay_out']

#: Operators of mmcv that read (N, C, H, W) as it stands, by their names.
_RIGID = ('DeformConv', 'DeformRoIPool', 'MaskedConv', 'CARAFE', 'PSAMask',
          'CornerPool', 'Correlation')
#: Code that is known to compute alike in both orders: others may call `view`.
_KNOWN = ('mmmultas.', 'mmdet.models.backbones.resnet',
          'mmdet.models.necks.fpn')


def lay_out(model: Any, channels_last: bool | None = None) -> None:
    """Choose the memory order of a model's weights, images and features.

    It sets ``memory_format``, that of the encoder, and
    ``contiguous_features``: whether heads get theirs in the usual order.

    Args:
        model: A ``MultiTaskDetSeg``.
        channels_last: What is asked for, for all parts. None: channels last
            where it is faster, on a CPU, and only in parts that are known to
            work so.

    Raises:
        ConfigError: Channels last is asked for and a part cannot do it.
    """
    heads = [head for head in model.heads.values() if not _is_known(head)]
    if channels_last is None:
        encoder = [model.backbone] + [model.neck] * (model.neck is not None)
        last = not torch.cuda.is_available() and not any(
            _rigid_part(part) or not _is_known(part) for part in encoder)
    else:
        last, rigid = channels_last, _rigid_part(model)
        if last and rigid:
            raise ConfigError(
                f'`model.channels_last=True` does not work with {rigid} of '
                'mmcv, which reads images in the other order: leave the key '
                'out.')
    model.memory_format = (
        torch.channels_last if last else torch.contiguous_format)
    model.to(memory_format=model.memory_format)
    model.contiguous_features = channels_last is None and last and bool(heads)
    for head in heads if model.contiguous_features else ():
        head.to(memory_format=torch.contiguous_format)


def _is_known(part: nn.Module) -> bool:
    return type(part).__module__.startswith(_KNOWN)


def _rigid_part(network: nn.Module) -> str | None:
    """Name of an operator that wants the usual order."""
    return next((type(part).__name__ for part in network.modules()
                 if 'mmcv' in type(part).__module__
                 and any(name in type(part).__name__ for name in _RIGID)),
                None)
