"""Samples that were replaced, since their files cannot be read."""
import logging
from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log

from mmmultas.utils.errors import DataError

__all__ = ['BrokenSamples']

#: Share of a stream's images that may be broken, at least one.
SHARE = 0.1
#: Files that an epoch's report names.
NAMED = 20


class BrokenSamples:
    """Count of what a stream with ``skip_broken`` replaced.

    The samples are made in other processes; each carries in its metainfo
    ``replaces`` what could not be read in its place.

    Args:
        stream: Name of the stream.
        images: Images of the stream.
    """

    def __init__(self, stream: str, images: int) -> None:
        self.stream = stream
        self.allowed = max(int(SHARE * images), 1)
        #: Samples replaced since the last report.
        self.count = 0
        #: What is wrong with each broken file, over all epochs.
        self.reasons: dict[str, None] = {}

    def note(self, batch: Mapping[str, Any]) -> None:
        """Count the replaced samples of a batch.

        Raises:
            DataError: More images are broken than may be.
        """
        for sample in batch.get('data_samples', ()):
            reasons = getattr(sample, 'metainfo', {}).get('replaces', ())
            self.count += bool(reasons)
            self.reasons.update(dict.fromkeys(reasons))
        if len(self.reasons) > self.allowed:
            raise DataError(
                f'{len(self.reasons)} images of the stream {self.stream!r} '
                'cannot be read, more than the tenth that `skip_broken` '
                f'passes over: {next(iter(self.reasons))}')

    def report(self, epoch: int) -> None:
        """Log what was replaced in an epoch, if anything was.

        Args:
            epoch: Its number, from 1.
        """
        if self.count:
            some = list(self.reasons)[:NAMED]
            more = len(self.reasons) - len(some)
            print_log(
                f'Stream {self.stream!r}, epoch {epoch}: {self.count} '
                'samples were replaced by others of the stream. Broken '
                f'files so far: {len(self.reasons)}. ' + ' '.join(some) +
                f' (and {more} more)' * bool(more),
                logger='current',
                level=logging.WARNING)
        self.count = 0
