"""What the processor can do."""
import functools
import re
from pathlib import Path

import torch

__all__ = ['has_bf16']

#: x86 (AVX-512, AMX) and ARM names of instructions that multiply bfloat16.
_FLAGS = {'avx512_bf16', 'amx_bf16', 'bf16'}
_INFO = Path('/proc/cpuinfo')


@functools.cache
def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 numbers by itself.

    Without such instructions they are taken apart and computed in float32,
    which takes longer than float32 alone.
    """
    if _INFO.is_file():
        lines = re.findall(r'^(?:flags|Features)\s*:(.*)$',
                           _INFO.read_text(errors='replace'), re.M)
        return bool(lines) and not _FLAGS.isdisjoint(lines[0].split())
    ask = getattr(torch.cpu, '_is_avx512_bf16_supported', None)
    return bool(ask is not None and ask())
