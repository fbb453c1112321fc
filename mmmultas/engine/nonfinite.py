"""Updates whose loss is no number: explained, kept, perhaps left out."""
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.structures import BaseDataElement

from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, TrainingError
from mmmultas.utils.finite import NonFiniteLossError

__all__ = ['NonFiniteGuard', 'plain_batch']

#: Images that a message names; the file has them all.
NAMED = 6


class NonFiniteGuard:
    """Make updates; stop the run at one whose loss is NaN or infinite.

    Neither weights nor momentum have seen it. The batch is written to
    ``work_dir``, to be looked at with :func:`torch.load`.

    Args:
        runner: The runner.
        allowed: Such updates that are left out before the run stops; the
            count is in the checkpoints.

    Raises:
        ConfigError: ``allowed`` is no count.
    """

    def __init__(self, runner: Any, allowed: int = 0) -> None:
        if isinstance(allowed, bool) or not isinstance(
                allowed, int) or allowed < 0:
            raise ConfigError('`train_cfg.skip_nonfinite` is a number of '
                              f'updates, at least 0, got {allowed!r}.')
        self.runner = runner
        self.allowed = allowed

    @property
    def skipped(self) -> int:
        """Updates that the run left out so far."""
        info = self.runner.message_hub.runtime_info
        return int(info.get('skipped_updates', 0))

    def step(self, data_batch: Mapping[str, Any]) -> dict[str, Any]:
        """One update: what the model logs; nothing if it is left out.

        Args:
            data_batch: A collated batch per stream.

        Raises:
            TrainingError: The loss is not finite, and none may be left out
                any more.
        """
        model, optim = self.runner.model, self.runner.optim_wrapper
        # batch norm has counted the batch before its loss is known
        kept = [b.clone() for b in model.buffers()] if self.allowed else []
        try:
            logs: dict[str, Any] = model.train_step(
                data_batch, optim_wrapper=optim)
            return logs
        except NonFiniteLossError as error:
            if self.skipped >= self.allowed or self._spoilt():
                raise TrainingError(self._stop(error, data_batch)) from error
            self._skip(error, data_batch)
        with torch.no_grad():
            for buffer, value in zip(model.buffers(), kept):
                buffer.copy_(value)
        optim.zero_grad()
        return {}

    def _skip(self, error: NonFiniteLossError,
              data_batch: Mapping[str, Any]) -> None:
        count = self.skipped + 1
        self.runner.message_hub.update_info('skipped_updates', count)
        what = self._describe(error, data_batch, None)
        self.runner.logger.warning(
            f'{what}. It is left out, number {count} of the {self.allowed} '
            'that `train_cfg.skip_nonfinite` allows.')

    def _stop(self, error: NonFiniteLossError,
              data_batch: Mapping[str, Any]) -> str:
        """Keep the batch; the sentences to stop with."""
        place = None
        if error.culprits:
            place = self._dump(error, data_batch)
        what = self._describe(error, data_batch, place)
        mend = ('look at these images and their labels; lower '
                '`optim_wrapper.optimizer.lr` or warm up longer')
        spoilt = self._spoilt()
        if spoilt:
            return (f'{what}. Weights are no numbers any more, {spoilt} '
                    'first: too large a step of an earlier update spoilt '
                    'them. Lower `optim_wrapper.optimizer.lr` or set '
                    '`optim_wrapper.clip_grad=dict(max_norm=35)`, and start '
                    'again or --resume from a checkpoint before it.')
        if self.allowed:
            return (f'{what}. The {self.allowed} updates that `train_cfg.'
                    f'skip_nonfinite` allows are used up: {mend}.')
        return (f'{what}. No step was made from it: {mend}; or set '
                '`train_cfg.skip_nonfinite` to a number of such updates to '
                'be left out and go on with --resume.')

    def _spoilt(self) -> str | None:
        """The first weight that is itself not finite, if any."""
        return next((name
                     for name, value in self.runner.model.named_parameters()
                     if not torch.isfinite(value).all()), None)

    def _describe(self, error: NonFiniteLossError,
                  data_batch: Mapping[str, Any], place: str | None) -> str:
        """Say it in the same words on all processes, which all take part."""
        own = None
        if error.culprits:
            own = (_terms(error.culprits), _names(data_batch, error.culprits),
                   place)
        reports = all_gather_object(own)
        parts = []
        for rank, report in enumerate(reports):
            if report is None:
                continue
            terms, names, place = report
            where = f' on process {rank}' if len(reports) > 1 else ''
            kept = f'; batch kept in {place}' if place else ''
            parts.append(f'{terms}{where}, images {names}{kept}')
        loop = self.runner.train_loop
        return (f'The loss of update {loop.iter + 1} (epoch {loop.epoch + 1}) '
                f'is not finite at learning rate {_lr(self.runner)}: '
                + ' | '.join(parts))

    def _dump(self, error: NonFiniteLossError,
              data_batch: Mapping[str, Any]) -> str:
        rank, loop = get_rank(), self.runner.train_loop
        suffix = f'_rank{rank}' if rank else ''
        path = Path(self.runner.work_dir) / (
            f'nonfinite_update_{loop.iter + 1}{suffix}.pth')
        content = dict(
            update=loop.iter + 1,
            epoch=loop.epoch + 1,
            seed=self.runner.seed,
            lr=self.runner.optim_wrapper.get_lr(),
            losses=error.terms,
            streams=plain_batch(data_batch))
        try:
            with atomic_path(path) as part:
                torch.save(content, part)
        except (OSError, RuntimeError) as failure:
            # torch reports a full disk as a RuntimeError
            return f'no file, for {path} cannot be written ({failure})'
        return str(path)


def plain_batch(data_batch: Mapping[str, Any]) -> dict[str, Any]:
    """A batch in tensors and plain types, which load without our classes.

    Args:
        data_batch: A collated batch per stream.

    Returns:
        dict: By stream: ``inputs`` (the images, (3, H, W) each) and
        ``samples`` (metainfo and labels of each, dicts within dicts).
    """
    return {
        stream: dict(
            inputs=_plain(batch['inputs']),
            samples=[_plain(sample) for sample in batch['data_samples']])
        for stream, batch in data_batch.items()
    }


def _plain(value: Any) -> Any:
    """Tensors and plain types as they are, the rest as text."""
    if isinstance(value, BaseDataElement):
        return {str(key): _plain(part) for key, part in value.all_items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, 'tensor'):  # mmdet's boxes
        value = value.tensor
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if hasattr(value, 'tolist'):  # NumPy's
        return _plain(value.tolist())
    return str(value)


def _terms(terms: Mapping[str, float]) -> str:
    parts = []
    for name, value in terms.items():
        task = name.split('.')[0] if '.' in name else None
        parts.append(f'{name}={value:g}' +
                     (f' (task {task!r})' if task else ''))
    return ', '.join(parts)


def _samples(data_batch: Mapping[str, Any]) -> Iterator[Any]:
    for batch in data_batch.values():
        yield from batch['data_samples']


def _names(data_batch: Mapping[str, Any], terms: Mapping[str, float]) -> str:
    """The images that a loss was computed from, the first few of them."""
    tasks = {name.split('.')[0] for name in terms}
    metas = [sample.metainfo for sample in _samples(data_batch)]
    # a term of no task speaks of all images
    metas = [m for m in metas if tasks & set(m.get('tasks', ()))] or metas
    names = [
        str(m.get('img_path') or m.get('img_id', 'without a name'))
        for m in metas
    ]
    names = list(dict.fromkeys(names))
    more = f' and {len(names) - NAMED} more' if names[NAMED:] else ''
    return ', '.join(names[:NAMED]) + more


def _lr(runner: Any) -> str:
    rates = runner.optim_wrapper.get_lr()
    values = sorted({
        float(rate)
        for name, group in rates.items() if not name.endswith('base_lr')
        for rate in group
    })
    low, high = f'{values[0]:g}', f'{values[-1]:g}'
    return low if low == high else f'{low} to {high}'
