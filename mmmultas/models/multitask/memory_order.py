"""In which order numbers lie in memory."""
import torch
from torch import nn

from mmmultas.utils.errors import ConfigError

__all__ = ['memory_format']

#: Operators of mmcv that read (N, C, H, W) as it stands, by their names.
_CONTIGUOUS = ('DeformConv', 'DeformRoIPool', 'MaskedConv', 'CARAFE',
               'CrissCross', 'PSAMask', 'CornerPool', 'Correlation')


def memory_format(network: nn.Module,
                  channels_last: bool | None = None) -> torch.memory_format:
    """The memory order of a network's weights and images.

    Args:
        network: Its parts say what they can do.
        channels_last: What is asked for; None: channels last where there is
            no GPU, since that is faster on a CPU.

    Raises:
        ConfigError: Channels last is asked for and a part cannot do it.
    """
    rigid = next((type(part).__name__ for part in network.modules()
                  if 'mmcv' in type(part).__module__
                  and any(name in type(part).__name__
                          for name in _CONTIGUOUS)), None)
    if channels_last and rigid:
        raise ConfigError(
            f'`channels_last=True` does not work with {rigid} of mmcv, which '
            'reads images in the other order: leave the key out.')
    if channels_last is None:
        channels_last = not torch.cuda.is_available() and not rigid
    return torch.channels_last if channels_last else torch.contiguous_format
