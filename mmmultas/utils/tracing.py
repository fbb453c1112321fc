"""Whether a network runs, or is written down."""
from typing import Any

import torch

__all__ = ['is_captured', 'is_compiling', 'is_exporting', 'is_tracing']


def is_compiling() -> bool:
    """Whether somebody traces the network: operators are to be plain ones."""
    return is_tracing() or is_captured()


def is_captured() -> bool:
    """Whether ``torch.compile`` or ``torch.export`` does; not in PyTorch
    2.0 to 2.2, which do not tell."""
    compiler: Any = getattr(torch, 'compiler', None)
    ask = getattr(compiler, 'is_compiling', None)
    return bool(ask is not None and ask())


def is_tracing() -> bool:
    """Whether TorchScript traces it: sizes are tensors then."""
    jit: Any = torch.jit
    return bool(jit.is_tracing())


def is_exporting() -> bool:
    """Whether the network is being written into an ONNX file."""
    return bool(torch.onnx.is_in_onnx_export())
