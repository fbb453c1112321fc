"""Masks kept as runs: small enough to keep, faster than inflating PNGs."""
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ['MaskRuns', 'RunCache']


@dataclass(frozen=True)
class MaskRuns:
    """A mask as runs of equal pixels, row after row.

    Attributes:
        shape: (height, width).
        values: (R,) uint8, the value of each run.
        lengths: (R,) int32, pixels of each run.
    """
    shape: tuple[int, int]
    values: NDArray[np.uint8]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, mask: NDArray[np.uint8]) -> 'MaskRuns':
        """Take a mask (H, W) apart."""
        flat = mask.reshape(-1)
        starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        borders = np.concatenate([[0], starts, [len(flat)]])
        lengths = np.diff(borders).astype(np.int32)
        height, width = mask.shape
        return cls((height, width), flat[borders[:-1]], lengths)

    def mask(self, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Put it together again, values replaced by ``table`` (256,)."""
        flat = np.repeat(table[self.values], self.lengths)
        return flat.reshape(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.values.nbytes + self.lengths.nbytes


class RunCache:
    """The runs of the files read last, up to a size.

    Args:
        max_bytes: Bytes of all runs together; what was used longest ago
            goes first.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._runs: OrderedDict[str, MaskRuns] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, path: str) -> MaskRuns | None:
        """The runs of a file, if they are still here."""
        runs = self._runs.get(path)
        if runs is not None:
            self._runs.move_to_end(path)
        return runs

    def put(self, path: str, runs: MaskRuns) -> None:
        """Keep the runs of a file that is not here yet."""
        self._runs[path] = runs
        self.nbytes += runs.nbytes
        while self.nbytes > self.max_bytes:
            _, old = self._runs.popitem(last=False)
            self.nbytes -= old.nbytes
