"""What modules put out, recorded within a scope."""
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

__all__ = [
    'mapped', 'output_tap', 'recorder_sources', 'remembered', 'take_rows'
]


def recorder_sources(recorders: Mapping[str, Mapping[str, Any]],
                     model: nn.Module, key: str) -> dict[str, str]:
    """Read the config of recorders and check it against a network.

    Args:
        recorders: Name → ``dict(type='ModuleOutputs', source='neck')``;
            ``source`` is the dotted path of a module.
        model: The network that is recorded.
        key: Config key, for messages.

    Returns:
        dict: Name → path of the module.

    Raises:
        ConfigError: Another type, or a path that the network does not have.
    """
    modules = dict(model.named_modules())
    sources = {}
    for name, cfg in mapping_of(key, recorders).items():
        cfg = dict(cfg if isinstance(cfg, Mapping) else {})
        kind = cfg.pop('type', 'ModuleOutputs')
        source = cfg.pop('source', None)
        named = isinstance(source, str) and source
        if kind != 'ModuleOutputs' or cfg or not named:
            raise ConfigError(
                f"`{key}.{name}` must be dict(type='ModuleOutputs', "
                "source='neck'), with the path of a module.")
        if source not in modules:
            near = difflib.get_close_matches(source, modules, 1)
            hint = f': did you mean {near[0]!r}?' if near else '.'
            raise ConfigError(f'`{key}.{name}.source` names {source!r}, which '
                              f'the network does not have{hint}')
        sources[name] = source
    return sources


@contextmanager
def output_tap(model: nn.Module,
               sources: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
    """Record the outputs of modules while the scope is open.

    Args:
        model: The network.
        sources: Dotted paths of its modules.

    Yields:
        dict: Path → the module's outputs, call by call.
    """
    modules = dict(model.named_modules())
    outputs: dict[str, list[Any]] = {source: [] for source in sources}

    def keeper(source: str) -> Callable[..., None]:

        def keep(module: nn.Module, args: Any, output: Any) -> None:
            outputs[source].append(output)

        return keep

    handles = [
        modules[source].register_forward_hook(keeper(source))
        for source in outputs
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def remembered(module: nn.Module,
               known: Sequence[tuple[Sequence[Tensor], Any]]
               ) -> Iterator[None]:
    """Let a head answer from memory for levels that it has just seen.

    Args:
        module: The head.
        known: Its inputs (the very tensors) and what it gave for them.
    """
    compute = module.forward

    def forward(feats: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        for levels, output in known:
            if len(levels) == len(feats) and all(
                    ours is theirs for ours, theirs in zip(levels, feats)):
                return output
        return compute(feats, *args, **kwargs)

    module.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.forward


def take_rows(output: Any, rows: Sequence[int], total: int) -> Any:
    """Rows of every tensor of a nested output.

    Args:
        output: A tensor (N, ...), or tuples, lists or dicts of such.
        rows: Which of the N.
        total: N; all rows, or neighbours, are taken without a copy.
    """
    rows = list(rows)
    if rows == list(range(total)):
        return output
    if rows and rows == list(range(rows[0], rows[0] + len(rows))):
        return mapped(lambda x: x[rows[0]:rows[-1] + 1], output)
    # its backward adds rows, that of x[rows] sorts indices first
    index = torch.tensor(rows, dtype=torch.long)
    return mapped(lambda x: x.index_select(0, index.to(x.device)), output)


def mapped(function: Callable[[Tensor], Tensor], output: Any) -> Any:
    """A nested output with a function applied to its tensors."""
    if isinstance(output, Tensor):
        return function(output)
    if isinstance(output, Mapping):
        return {k: mapped(function, v) for k, v in output.items()}
    if isinstance(output, list | tuple):
        return [mapped(function, v) for v in output]
    return output
