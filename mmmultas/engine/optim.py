"""Mixed precision without a GPU."""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import nn

from mmmultas.registry import OPTIM_WRAPPERS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.processor import has_bf16

__all__ = ['BFloat16OptimWrapper', 'wrapper_for_cpu']


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Convolutions in bfloat16, by autocast, on a CPU or a GPU.

    Weights, their gradients and the optimizer's state stay float32, and so
    do losses and matching. The range of bfloat16 is that of float32, so no
    loss is scaled and there is no state besides the optimizer's.

    Args:
        force: Whether to go on where the processor has no such
            instructions and every update takes longer.
        **kwargs: Arguments of MMEngine's ``OptimWrapper``.

    Raises:
        ConfigError: Neither a GPU nor bfloat16 instructions.
    """

    def __init__(self, force: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not (torch.cuda.is_available() or has_bf16() or force):
            raise ConfigError(
                'This processor has no instructions for bfloat16 '
                '(avx512_bf16 or amx_bf16 among the flags of lscpu), so that '
                'mixed precision would take longer than float32: leave --amp '
                'out, or insist with --cfg-options optim_wrapper.force=True.')

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast around a forward pass."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(
                device, dtype=torch.bfloat16):
            yield


def wrapper_for_cpu(cfg: Any) -> Any:
    """Take MMEngine's ``AmpOptimWrapper`` to ours where there is no GPU.

    Args:
        cfg: Config of an optimizer wrapper, or a built one, which is
            returned as it is.

    Raises:
        ConfigError: It asks for float16, which a CPU does not compute in.
    """
    if not isinstance(cfg, Mapping) or torch.cuda.is_available():
        return cfg
    if str(cfg.get('type')).split('.')[-1] != 'AmpOptimWrapper':
        return cfg
    cfg = {k: v for k, v in cfg.items() if k != 'loss_scale'}
    dtype = str(cfg.pop('dtype', 'bfloat16')).split('.')[-1]
    if dtype != 'bfloat16':
        raise ConfigError(
            f'`optim_wrapper.dtype` is {dtype}, but there is no GPU and a '
            "CPU computes in bfloat16: leave it out, or take type="
            "'OptimWrapper' for full precision.")
    print_log(
        'There is no GPU: `optim_wrapper` AmpOptimWrapper becomes '
        'mmmultas.BFloat16OptimWrapper, without loss scaling.',
        logger='current')
    return dict(cfg, type='mmmultas.BFloat16OptimWrapper')
