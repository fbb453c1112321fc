"""Whether a network runs, or is written down."""
from typing import Any

import torch

__all__ = ['is_compiling', 'is_exporting']


def is_compiling() -> bool:
    """Whether somebody traces the network: operators are to be plain ones."""
    jit: Any = torch.jit
    compiler: Any = getattr(torch, 'compiler', None)
    ask = getattr(compiler, 'is_compiling', None)
    return bool(jit.is_tracing() or (ask is not None and ask()))


def is_exporting() -> bool:
    """Whether the network is being written into an ONNX file."""
    return bool(torch.onnx.is_in_onnx_export())
