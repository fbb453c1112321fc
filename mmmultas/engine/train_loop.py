"""The training loop: it schedules, nothing else."""
import signal
from typing import Any

import torch
from mmengine.runner import BaseLoop

from mmmultas.registry import LOOPS
from mmmultas.utils.errors import ConfigError

from .checks import check_run
from .hooks.checkpoint import save_now
from .interrupt import CutValidation, StopSignals
from .nonfinite import NonFiniteGuard
from .rehearsal import check_names, rehearse
from .seeds import seed_update
from .streams import StreamSet

__all__ = ['MultiTaskTrainLoop']


@LOOPS.register_module()
class MultiTaskTrainLoop(BaseLoop):
    """Draw a batch from the streams of an update, step once, repeat.

    Args:
        runner: The runner.
        dataloader: One stream config per name.
        max_epochs: Epochs of the run; an epoch is ``epoch_length`` updates.
        alternate: ``'iteration'``: every stream in every update;
            ``'epoch'``: one stream at a time, a pass each.
        epoch_length: ``'max'``, ``'min'``, a stream's name or a number; see
            :mod:`mmmultas.engine.streams`.
        val_begin: First epoch after which validation runs.
        val_interval: Epochs from one validation to the next; the last epoch
            is always validated.
        allow_overlap: Train although images of training are validated, too.
        skip_nonfinite: Updates with a NaN or infinite loss that are left
            out; the next one stops the run.
    """

    def __init__(self,
                 runner: Any,
                 dataloader: dict[str, Any],
                 max_epochs: int,
                 alternate: str = 'iteration',
                 epoch_length: int | str = 'max',
                 val_begin: int = 1,
                 val_interval: int = 1,
                 allow_overlap: bool = False,
                 skip_nonfinite: int = 0) -> None:
        if int(max_epochs) < 1:
            raise ConfigError('`train_cfg.max_epochs` must be at least 1, '
                              f'got {max_epochs}.')
        if isinstance(val_interval, bool) or int(val_interval) < 1:
            raise ConfigError(
                '`train_cfg.val_interval` must be at least 1 epoch, got '
                f'{val_interval}; for no validation set val_cfg, '
                'val_dataloader and val_evaluator to None.')
        super().__init__(
            runner,
            StreamSet(
                dataloader,
                seed=runner.seed or 0,
                alternate=alternate,
                epoch_length=epoch_length))
        self._max_epochs = int(max_epochs)
        self._epoch = 0
        self._iter = 0
        self.val_begin = val_begin
        self.val_interval = val_interval
        self.allow_overlap = allow_overlap
        self.guard = NonFiniteGuard(runner, skip_nonfinite)
        self.stop = StopSignals()
        #: Set by EarlyStoppingHook.
        self.stop_training = False

    @property
    def max_epochs(self) -> int:
        """Epochs of the run."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """Updates of the run."""
        return self._max_epochs * len(self.dataloader)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self._epoch

    @property
    def iter(self) -> int:
        """Updates done."""
        return self._iter

    def run(self) -> torch.nn.Module:
        """Train to the end, from wherever a checkpoint left off.

        Raises:
            SystemExit: A signal asked to stop; a checkpoint is written.
        """
        self._check_position()
        self._check_accumulation()
        check_run(self.runner, self.allow_overlap)
        with self.stop:
            self._rehearse()
            self._run()
        model: torch.nn.Module = self.runner.model
        return model

    def _rehearse(self) -> None:
        """Find what would fail in the first validation now."""
        loop = self.runner.val_loop
        if loop is None:
            return
        loop.check_heads()
        names = rehearse(loop)
        check_names(names, self.runner)
        loop.known_names = frozenset(names or ())

    def _run(self) -> None:
        self.runner.call_hook('before_train')
        validated = self.runner.message_hub.runtime_info.get(
            'epoch_validated')
        if self._iter > 0 and validated != self._epoch and (
                self._iter == self._epoch * len(self.dataloader)):
            # the checkpoint was written before this validation
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self._stop_if_asked()
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')

    def run_epoch(self) -> None:
        """The updates of this epoch that are still to do."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        self.dataloader.seek(self._iter)
        start = self._iter - self._epoch * len(self.dataloader)
        for index in range(start, len(self.dataloader)):
            self.run_iter(index, self.dataloader.batches(self._iter))
            if index + 1 < len(self.dataloader):
                self._stop_if_asked()
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, index: int, data_batch: dict[str, Any]) -> None:
        """One update.

        Args:
            index: Place of the update in its epoch.
            data_batch: The batch of each stream.
        """
        self.runner.call_hook(
            'before_train_iter', batch_idx=index, data_batch=data_batch)
        seed_update(self.runner.seed or 0, self._iter)
        outputs = self.guard.step(data_batch)
        for name, stream in self.dataloader.streams.items():
            self.runner.message_hub.update_scalar(f'train/{name}.epoch',
                                                  stream.drawn / len(stream))
        self.runner.call_hook(
            'after_train_iter',
            batch_idx=index,
            data_batch=data_batch,
            outputs=outputs)
        self._iter += 1

    def _validate(self) -> None:
        due = self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0
            or self._epoch == self._max_epochs)
        if self.runner.val_loop is None or not due:
            return
        self.runner.val_loop.stop = self.stop
        try:
            self.runner.val_loop.run()
        except CutValidation:
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        """End the run where a checkpoint holds all of it.

        Raises:
            SystemExit: With 143 for SIGTERM, as a shell says it.
        """
        count = getattr(self.runner.optim_wrapper, '_accumulative_counts', 1)
        number = 0 if self._iter % count else self.stop.agreed()
        if not number:
            return
        name = signal.Signals(number).name
        path = save_now(self.runner)
        said = 'no checkpoint is written, since the config has no hook for it'
        if path is not None:
            said = (f'{path} is written, and the same command with --resume '
                    'goes on from there')
        self.runner.logger.warning(
            f'Stopped by {name} after update {self._iter}: {said}.')
        raise SystemExit(128 + number)

    def _check_position(self) -> None:
        """Refuse to resume into streams of another shape."""
        hub = self.runner.message_hub
        shape = self.dataloader.shape
        known = hub.runtime_info.get('streams', shape)
        if self._iter > 0 and known != shape:
            raise ConfigError(
                f'The checkpoint was written with streams of {known} '
                '([images, joint batch] each), but the config now gives '
                f'{shape}: resume with the data, batch sizes, number of '
                'processes and `epoch_length` of the first run, or start a '
                'new one with `load_from`.')
        hub.update_info('streams', shape)
        if self._iter == 0:
            # a runner that trains twice starts anew
            hub.update_info('selection_history', {})
            hub.update_info('epoch_validated', 0)
            hub.update_info('skipped_updates', 0)

    def _check_accumulation(self) -> None:
        """An epoch's checkpoint must not miss half an accumulation."""
        count = getattr(self.runner.optim_wrapper, '_accumulative_counts', 1)
        if len(self.dataloader) % count:
            raise ConfigError(
                f'An epoch of {len(self.dataloader)} updates cannot be '
                f'saved exactly with `optim_wrapper.accumulative_counts='
                f'{count}`: set `train_cfg.epoch_length` to a multiple of '
                'it.')
        if count > 1 and self.guard.allowed:
            raise ConfigError(
                '`train_cfg.skip_nonfinite` cannot leave out a part of an '
                f'update of `optim_wrapper.accumulative_counts={count}` '
                'batches without changing the weight of the others: remove '
                'one of the two.')
