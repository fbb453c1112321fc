"""Weights that stock modules load by themselves: safe, and said (DESIGN 7).

MMEngine's ``Pretrained`` and backbones such as Swin read a file with pickle
and take what fits of it, be it nothing.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmmultas.utils.checkpoint import find_weights, load_file, state_dict_of
from mmmultas.utils.errors import CheckpointError, UserError

__all__ = ['filled_share', 'safe_loading']

#: Share of a module's weights that its file must fill.
ENOUGH = 0.5


@contextmanager
def safe_loading(model: nn.Module) -> Iterator[None]:
    """Let whatever initialises a model load by our reader.

    Args:
        model: Modules in it whose ``init_cfg`` names a ``checkpoint`` are
            looked at afterwards.

    Raises:
        CheckpointError: A file that is missing, broken or unsafe, or that
            fills less than half of its module.
    """
    files: dict[str, dict[str, Tensor]] = {}
    kept = CheckpointLoader.__dict__['load_checkpoint']

    def load(cls: type, filename: str, *args: Any, **kwargs: Any) -> Any:
        content = load_file(find_weights(filename))
        files[filename] = state_dict_of(content)
        return content

    CheckpointLoader.load_checkpoint = classmethod(load)
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # a backbone that trips over foreign names
        if not files:
            raise
        source = list(files)[-1]
        raise CheckpointError(
            f'Pretrained weights {source} cannot be used by the module whose '
            f'`init_cfg` names them ({type(error).__name__}: {error}; the '
            f'file begins with {next(iter(files[source]), "nothing")}): name '
            'a file of its architecture, or set init_cfg=None to train from '
            'scratch.') from error
    finally:
        CheckpointLoader.load_checkpoint = kept
    for name, module in model.named_modules() if files else ():
        for source in _sources(getattr(module, 'init_cfg', None)):
            if source in files:
                _check(name, module, source, files[source])


def filled_share(module: nn.Module,
                 state: dict[str, Tensor]) -> tuple[int, list[str]]:
    """How many weights of a module come from a file, whatever their names.

    Tensors of one value are not counted: zeros and ones are no proof.

    Args:
        module: After it was filled.
        state: The file's weights.

    Returns:
        tuple: The count, and the names of weights that are not in the file.
    """
    by_shape: dict[torch.Size, list[Tensor]] = {}
    for value in state.values():
        if isinstance(value, Tensor):
            by_shape.setdefault(value.shape, []).append(value)
    filled, left = 0, []
    for name, value in module.state_dict().items():
        value = value.detach().cpu()
        if not value.is_floating_point() or value.numel() < 2 or bool(
                (value == value.flatten()[0]).all()):
            continue
        if any(torch.equal(value, other.to(value.dtype))
               for other in by_shape.get(value.shape, ())):
            filled += 1
        else:
            left.append(name)
    return filled, left


def _check(name: str, module: nn.Module, source: str,
           state: dict[str, Tensor]) -> None:
    filled, left = filled_share(module, state)
    total = filled + len(left)
    if filled < ENOUGH * max(total, 1):
        raise CheckpointError(
            f'Pretrained weights {source} fill {filled} of {total} weights '
            f'of `model.{name}` ({type(module).__name__}; the file begins '
            f'with {next(iter(state), "nothing")}): name a file of this '
            f'architecture in `model.{name}.init_cfg`, with its `prefix` if '
            'it holds a whole detector, or set init_cfg=None to train from '
            'scratch.')
    text = f'model.{name}: {filled} of {total} weights filled from {source}'
    if left:
        text += f'; at their initial values: {", ".join(left[:9])}'
        text += f' and {len(left) - 9} more' if left[9:] else ''
    print_log(text, logger='current')


def _sources(init_cfg: Any) -> Iterator[str]:
    """Files that the ``init_cfg`` of a module names."""
    parts = init_cfg if isinstance(init_cfg, list | tuple) else [init_cfg]
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get('checkpoint'), str):
            yield part['checkpoint']
