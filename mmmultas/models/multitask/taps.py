"""What modules put out, recorded within a scope."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from mmmultas.utils.errors import ConfigError

from ..rows import take_rows

__all__ = ['OUTPUTS', 'by_stream', 'output_tap']

#: Path that stands for a head's raw outputs.
OUTPUTS = ''


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
    outputs: dict[str, list[Any]] = {source: [] for source in sources}
    if not outputs:
        yield outputs
        return
    modules = dict(model.named_modules())

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


def by_stream(outputs: Mapping[str, list[Any]],
              sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Give every stream its part of what the encoder put out.

    Args:
        outputs: Path of a module → its outputs, call by call.
        sizes: Stream → number of its images.

    Returns:
        dict: Stream → path → output.

    Raises:
        ConfigError: A module did not run once per stream, or once.
    """
    found: dict[str, dict[str, Any]] = {stream: {} for stream in sizes}
    for path, calls in outputs.items():
        if len(calls) == 1 and len(sizes) > 1:
            total, start = sum(sizes.values()), 0
            for stream, size in sizes.items():
                rows = range(start, start + size)
                found[stream][path] = take_rows(calls[0], rows, total)
                start += size
        elif len(calls) == len(sizes):
            for stream, output in zip(sizes, calls):
                found[stream][path] = output
        else:
            raise ConfigError(
                f'The module {path!r} is recorded, which ran {len(calls)} '
                f'times for {len(sizes)} streams: record a module that runs '
                'once per stream.')
    return found
