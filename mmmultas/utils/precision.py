"""Mixed precision, the same in every version of PyTorch."""
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .errors import ConfigError
from .processor import has_bf16

__all__ = [
    'autocast_dtype', 'check_amp', 'full_precision', 'in_full',
    'mixed_precision'
]


def autocast_dtype(device_type: str) -> torch.dtype | None:
    """In which type autocast computes convolutions, None where it is off.

    Args:
        device_type: ``'cpu'`` or ``'cuda'``.

    Example:
        >>> with torch.autocast('cpu', torch.bfloat16):
        ...     autocast_dtype('cpu')
        torch.bfloat16
    """
    if hasattr(torch, 'get_autocast_dtype'):
        on = torch.is_autocast_enabled(device_type)
        return torch.get_autocast_dtype(device_type) if on else None
    old: Any = torch  # before PyTorch 2.4
    name = 'cpu' if device_type == 'cpu' else 'gpu'
    on = (old.is_autocast_cpu_enabled()
          if name == 'cpu' else old.is_autocast_enabled())
    dtype: torch.dtype = getattr(old, f'get_autocast_{name}_dtype')()
    return dtype if on else None


def check_amp() -> None:
    """Refuse ``--amp`` where it would take longer.

    Raises:
        ConfigError: Neither a GPU nor bfloat16 instructions.
    """
    if not torch.cuda.is_available() and not has_bf16():
        raise ConfigError(
            'This processor has no instructions for bfloat16 (avx512_bf16 or '
            'amx_bf16 among the flags of lscpu), so that --amp would take '
            'longer than float32: leave it out.')


def mixed_precision(model: nn.Module, on: bool = True) -> torch.autocast:
    """Autocast where a model is: float16 on a GPU, bfloat16 on a CPU.

    Args:
        model: Its first parameter says where.
        on: Whether anything is cast at all.
    """
    device_type = next(model.parameters()).device.type
    dtype = torch.bfloat16 if device_type == 'cpu' else torch.float16
    return torch.autocast(device_type, dtype=dtype, enabled=on)


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute within the scope as tensors are, whatever autocast says."""
    with ExitStack() as stack:
        for device_type in ('cpu', 'cuda'):
            if autocast_dtype(device_type) is not None:
                stack.enter_context(
                    torch.autocast(device_type, enabled=False))
        yield


def in_full(value: Any) -> Any:
    """Nested lists, tuples and dicts with 16-bit tensors in float32.

    Example:
        >>> in_full([torch.ones(1, dtype=torch.bfloat16), 'a'])
        [tensor([1.]), 'a']
    """
    if isinstance(value, Tensor):
        low = value.dtype in (torch.float16, torch.bfloat16)
        return value.float() if low else value
    if type(value) in (list, tuple):
        return type(value)(in_full(v) for v in value)
    if type(value) is dict:
        return {k: in_full(v) for k, v in value.items()}
    return value
