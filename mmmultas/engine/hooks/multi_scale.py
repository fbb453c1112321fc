"""Another input size in every update (SPEC 5)."""
import hashlib
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import ConfigError

__all__ = ['MultiScaleHook', 'size_at']


def size_at(sizes: Sequence[int], seed: int, update: int) -> int:
    """The size of one update, from (seed, update) alone.

    Example:
        >>> size_at([256, 320, 384], 0, 7) == size_at([256, 320, 384], 0, 7)
        True
    """
    digest = hashlib.blake2b(repr((seed, update)).encode(), digest_size=8)
    return sizes[int.from_bytes(digest.digest(), 'little') % len(sizes)]


@HOOKS.register_module()
class MultiScaleHook(Hook):
    """Resize the batches of some streams, until late in training.

    Anchors keep their size in pixels. All processes share an update's size.

    Args:
        streams: Streams that are resized; the released code resizes the
            detection batches.
        sizes: Sides in pixels.
        until: Part of training that varies; then the pipeline's size.
    """

    def __init__(self,
                 streams: Sequence[str] = ('det', ),
                 sizes: Sequence[int] = (256, 320, 384),
                 until: float = 0.8) -> None:
        self.streams = tuple(streams)
        self.sizes = tuple(sizes)
        self.until = until

    def before_train(self, runner: Any) -> None:
        """Refuse what would harm batch norm or do nothing."""
        known = set(runner.train_dataloader.streams)
        if not set(self.streams) <= known:
            raise ConfigError(f'MultiScaleHook names streams {self.streams}, '
                              f'but there are {sorted(known)}.')
        if self._model(runner).fuse_batches and set(self.streams) != known:
            raise ConfigError(
                'Multi-scale of some streams and `model.fuse_batches=True` '
                'exclude each other: batch norm would see alternating '
                'statistics; name all streams or do not fuse.')

    def before_train_iter(self,
                          runner: Any,
                          batch_idx: int,
                          data_batch: Any = None) -> None:
        """Set the size of this update."""
        sizes = {}
        if runner.iter < self.until * runner.max_iters:
            size = size_at(self.sizes, runner.seed or 0, runner.iter)
            sizes = {name: size for name in self.streams}
        self._model(runner).data_preprocessor.sizes = sizes

    @staticmethod
    def _model(runner: Any) -> Any:
        model = runner.model
        return model.module if is_model_wrapper(model) else model
