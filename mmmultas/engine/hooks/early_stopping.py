"""Stop when the selection value stands still (SPEC 6)."""
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import ConfigError

__all__ = ['EarlyStoppingHook', 'should_stop']


def should_stop(history: Mapping[int, float],
                patience: int,
                min_delta: float = 0.0,
                begin: int = 0,
                gap_factor: float | None = None) -> bool:
    """Decide from the scores of all validated epochs.

    Args:
        history: Score by epoch.
        patience: Epochs without growth that are waited for.
        min_delta: Growth smaller than this does not count.
        begin: No stop up to this epoch.
        gap_factor: If set, ``patience`` is a lower bound and the wait is
            ``gap_factor`` x the longest wait that ended well so far.

    Example:
        >>> should_stop({1: 10., 2: 12., 3: 11., 4: 11.}, patience=2)
        True
        >>> should_stop({1: 10., 2: 12., 3: 11., 4: 13.}, patience=2)
        False
    """
    if not history:
        return False
    epochs = sorted(history)
    best_epoch = epochs[0]
    longest = 0
    for epoch in epochs[1:]:
        if history[epoch] > history[best_epoch] + min_delta:
            longest = max(longest, epoch - best_epoch)
            best_epoch = epoch
    wait: float = patience
    if gap_factor is not None:
        wait = max(patience, gap_factor * longest)
    last = epochs[-1]
    return last > begin and last - best_epoch >= wait


@HOOKS.register_module()
class EarlyStoppingHook(Hook):
    """End training when ``score`` has not grown for a while.

    Has no state: it reads the history of scores that MultiTaskValLoop keeps
    (``val_cfg.selection``) and that every checkpoint holds.

    Args:
        patience: Epochs without growth that are waited for.
        min_delta: Growth smaller than this does not count.
        begin: No stop up to this epoch.
        gap_factor: See :func:`should_stop`; the released code takes 1.5
            with ``patience=5``, ``begin=50`` and ``min_delta=0.07``.
    """
    priority = 'LOWEST'

    def __init__(self,
                 patience: int = 5,
                 min_delta: float = 0.0,
                 begin: int = 0,
                 gap_factor: float | None = None) -> None:
        if patience < 1:
            raise ConfigError("EarlyStoppingHook's `patience` must be at "
                              f'least 1 epoch, got {patience}.')
        self.patience = patience
        self.min_delta = min_delta
        self.begin = begin
        self.gap_factor = gap_factor

    def before_train(self, runner: Any) -> None:
        """Refuse a run without scores; decide again in a resumed one."""
        if runner.val_loop is None or not getattr(runner.val_loop,
                                                  'selection', None):
            raise ConfigError('EarlyStoppingHook needs scores: set '
                              "`val_cfg.selection`, for example dict(**{"
                              "'det/mAP': 1, 'seg/mIoU': 1}).")
        self._decide(runner)

    def after_val_epoch(self,
                        runner: Any,
                        metrics: dict[str, float] | None = None) -> None:
        """Ask the loop to stop."""
        self._decide(runner)

    def _decide(self, runner: Any) -> None:
        history = runner.message_hub.runtime_info.get('selection_history', {})
        if should_stop(history, self.patience, self.min_delta, self.begin,
                       self.gap_factor):
            runner.logger.info('No growth of the score for a while: stop '
                               f'after epoch {runner.epoch}.')
            runner.train_loop.stop_training = True
