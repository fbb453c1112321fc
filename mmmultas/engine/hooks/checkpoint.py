"""When checkpoints are written, and which are kept (DESIGN trap 17)."""
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import (all_reduce, all_reduce_params, is_distributed,
                           master_only)
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from mmmultas.registry import HOOKS
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import CheckpointError, ConfigError

__all__ = ['CheckpointHook', 'save_now']


@HOOKS.register_module()
class CheckpointHook(Hook):
    """Save after every epoch, in mid-epoch, and the best model.

    An epoch is saved before it is validated, so that a kill during
    validation loses nothing: on resume the validation is run. Older files
    are deleted once the new one is whole. In mid-epoch a save waits until
    gradients are accumulated wholly.

    Args:
        interval: Epochs from one save to the next; the last is always saved.
        interval_iters: Also save every so many updates of the run.
        max_keep: Regular checkpoints that are kept.
        save_best: Metric that the best model is chosen by, for example
            ``'score'``; None for none. High values are better, unless the
            metric declares the name in ``lower_is_better``.
    """
    # after EMA's exchange of weights and the loggers
    priority = 'VERY_LOW'

    def __init__(self,
                 interval: int = 1,
                 interval_iters: int | None = None,
                 max_keep: int = 3,
                 save_best: str | None = 'score') -> None:
        for key, value in dict(
                interval=interval,
                interval_iters=interval_iters or 1,
                max_keep=max_keep).items():
            if int(value) < 1:
                raise ConfigError(f'`default_hooks.checkpoint.{key}` must be '
                                  f'at least 1, got {value}.')
        self.interval = interval
        self.interval_iters = interval_iters
        self.max_keep = max_keep
        self.save_best = save_best
        #: File and update of the last regular save.
        self._saved: tuple[Path, int] | None = None

    def before_train(self, runner: Any) -> None:
        """Forget another run's best model, remove what a kill left half."""
        self._sweep(runner)
        if runner.iter == 0 and self.save_best is not None:
            runner.message_hub.update_info(f'best_{self.save_best}', {})

    def after_train_iter(self,
                         runner: Any,
                         batch_idx: int,
                         data_batch: Any = None,
                         outputs: Any = None) -> None:
        """Save in mid-epoch."""
        done = runner.iter + 1
        count = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        if self.interval_iters is None or done % count:
            return
        if done // self.interval_iters == (done -
                                           count) // self.interval_iters:
            return
        ends = batch_idx + 1 == len(runner.train_dataloader)
        if ends and self._saves_epoch(runner):
            return
        self._save(runner, f'iter_{done}.pth', runner.epoch, done)
        self._prune(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Save an epoch, before its validation."""
        # also without a save: all processes validate one model
        _sync_buffers(runner)
        if not self._saves_epoch(runner):
            return
        done = runner.epoch + 1
        self._save(runner, f'epoch_{done}.pth', done, runner.iter)
        self._prune(runner)

    def _saves_epoch(self, runner: Any) -> bool:
        done = runner.epoch + 1
        return done % self.interval == 0 or done == runner.max_epochs

    def after_val_epoch(self,
                        runner: Any,
                        metrics: dict[str, float] | None = None) -> None:
        """Save the best model so far."""
        trains = isinstance(runner._train_loop, BaseLoop)
        if self.save_best is None or metrics is None or not trains:
            return
        if self.save_best not in metrics:
            raise ConfigError(
                f'`default_hooks.checkpoint.save_best` is '
                f'{self.save_best!r}, but the metrics are {sorted(metrics)}.')
        value = float(metrics[self.save_best])
        key = f'best_{self.save_best}'
        best = dict(runner.message_hub.runtime_info.get(key, {}))
        sign = -1 if runner.val_loop.lower_is_better(self.save_best) else 1
        # nan, where there is no ground truth, is no better than anything
        if best and not sign * value > sign * best['value'] and not (
                best['value'] != best['value']):
            return
        name = self.save_best.replace('/', '_')
        file = f'best_{name}_epoch_{runner.epoch}.pth'
        runner.message_hub.update_info(
            key, dict(value=value, epoch=runner.epoch, file=file))
        self._save(
            runner, file, runner.epoch, runner.iter, regular=False)
        self._remove(runner, f'best_{name}_epoch_*.pth', keep=[file])
        runner.logger.info(f'Best so far: {self.save_best} {value:.4f} in '
                           f'epoch {runner.epoch}, saved as {file}.')

    def save_now(self, runner: Any) -> Path:
        """Save between two updates, or after an epoch, unless that is done.

        Args:
            runner: The runner, with ``iter`` updates done.

        Returns:
            The checkpoint that holds all of them.
        """
        done, epoch = runner.iter, runner.epoch
        if self._saved is None or self._saved[1] != done:
            ends = done == epoch * len(runner.train_dataloader)
            file = f'epoch_{epoch}.pth' if ends else f'iter_{done}.pth'
            self._save(runner, file, epoch, done)
            self._prune(runner)
        assert self._saved is not None
        return self._saved[0]

    def _save(self,
              runner: Any,
              file: str,
              epoch: int,
              done: int,
              regular: bool = True) -> None:
        _sync_buffers(runner)
        failure: Exception | None = None
        try:
            runner.save_checkpoint(
                runner.work_dir, file, meta=dict(epoch=epoch, iter=done))
            if regular:
                self._point_at(runner, file)
        except Exception as error:
            failure = error
        _fail_together(failure)
        if regular:
            self._saved = (Path(runner.work_dir) / file, done)

    @master_only
    def _point_at(self, runner: Any, file: str) -> None:
        target = Path(runner.work_dir) / 'last_checkpoint'
        try:
            with atomic_path(target) as part:
                part.write_text(str(target.with_name(file)))
        except OSError as error:
            raise CheckpointError(
                f'{target} cannot be written ({error}); checkpoints are '
                'intact: make room, then use --resume.') from error

    @master_only
    def _sweep(self, runner: Any) -> None:
        """Remove files that a killed process was writing."""
        for stem in ('epoch_*.pth', 'iter_*.pth', 'best_*.pth',
                     'last_checkpoint'):
            for path in Path(runner.work_dir).glob(f'.{stem}.*.part'):
                path.unlink(missing_ok=True)

    @master_only
    def _prune(self, runner: Any) -> None:
        folder = Path(runner.work_dir)
        files = [
            path for stem in ('epoch', 'iter')
            for path in folder.glob(f'{stem}_*.pth')
        ]
        files.sort(key=lambda path: path.stat().st_mtime)
        for path in files[:-self.max_keep]:
            path.unlink(missing_ok=True)

    @master_only
    def _remove(self, runner: Any, pattern: str, keep: list[str]) -> None:
        for path in Path(runner.work_dir).glob(pattern):
            if path.name not in keep:
                path.unlink(missing_ok=True)


def save_now(runner: Any) -> Path | None:
    """Save between two updates, by the run's hook; None if it has none."""
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            return hook.save_now(runner)
    return None


def _fail_together(failure: Exception | None) -> None:
    """Raise on every process what one of them met while it saved.

    The others would wait for it in their next exchange.
    """
    if is_distributed():
        failed = torch.tensor(int(failure is not None))
        all_reduce(failed, op='max')
        if failed and failure is None:
            failure = CheckpointError('Another process could not write the '
                                      'checkpoint: see its message.')
    if failure is not None:
        raise failure


def _sync_buffers(runner: Any) -> None:
    """Give every process the buffers that a resumed run will have.

    Batch norm's statistics differ between processes; only one process
    writes. Averaging them first makes a resumed run equal this one.
    """
    if not is_distributed():
        return
    all_reduce_params(runner.model.buffers(), op='mean')
    for hook in runner.hooks:
        ema = getattr(hook, 'ema_model', None)
        if ema is not None:
            all_reduce_params(ema.module.buffers(), op='mean')
