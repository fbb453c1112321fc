"""Rows of nested outputs: some images of a batch."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ['mapped', 'take_rows']


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
