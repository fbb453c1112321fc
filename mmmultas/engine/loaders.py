"""PyTorch's DataLoader, as the streams of training and evaluation use it."""
from functools import partial
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_rank
from torch.utils.data import DataLoader

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.workers import note_workers

from .interrupt import start_worker

__all__ = ['NamedLoader', 'loader_args']

#: Keys of a stream's config that go to the DataLoader as they are.
LOADER_KEYS = ('num_workers', 'persistent_workers', 'prefetch_factor',
               'pin_memory', 'timeout')


def loader_args(name: str, cfg: dict[str, Any], known: set[str],
                seed: int) -> dict[str, Any]:
    """Arguments of a DataLoader from the config of a stream.

    Args:
        name: Name of the stream.
        cfg: Its config.
        known: Keys that are read elsewhere.
        seed: Seed of the run.

    Raises:
        ConfigError: An unknown key, or one that could change nothing.
    """
    unknown = set(cfg) - known - set(LOADER_KEYS) - {
        'collate_fn', 'batch_sampler'
    }
    if unknown:
        raise ConfigError(
            f'The stream {name!r} has unknown keys {sorted(unknown)}: known '
            f'are {sorted(known | set(LOADER_KEYS))}.')
    _refuse_other_batches(name, cfg)
    args = {key: cfg[key] for key in LOADER_KEYS if key in cfg}
    args.setdefault('num_workers', 0)
    if args['num_workers'] == 0:
        # PyTorch refuses them; `num_workers=0` is asked for to debug
        args.pop('prefetch_factor', None)
        args.pop('persistent_workers', None)
    args.update(
        collate_fn=pseudo_collate,
        # samples are seeded by their keys; this generator only keeps the
        # loader from drawing on the global one
        generator=torch.Generator().manual_seed(seed),
        worker_init_fn=partial(
            start_worker,
            num_workers=args['num_workers'],
            rank=get_rank(),
            seed=seed,
            disable_subprocess_warning=True))
    return args


def _refuse_other_batches(name: str, cfg: dict[str, Any]) -> None:
    """Batches are lists of samples; how they are formed is no option."""
    collate = cfg.get('collate_fn')
    kind = collate.get('type') if isinstance(collate, dict) else collate
    named = getattr(kind, '__name__', str(kind)).split('.')[-1]
    if collate is not None and named != 'pseudo_collate':
        raise ConfigError(
            f'The stream {name!r} names the `collate_fn` {named!r}, but '
            'batches are lists of samples that the data preprocessor stacks: '
            'remove it.')
    if cfg.get('batch_sampler') is not None:
        raise ConfigError(
            f'The stream {name!r} names a `batch_sampler`, but batches follow '
            'from seed and epoch alone, so that a run resumes exactly: remove '
            'it; `batch_size` says how many images are in a batch.')


class NamedLoader(DataLoader):
    """A loader that knows its place in the config."""

    def __init__(self, key: str, *args: Any, **kwargs: Any) -> None:
        self.key = key
        super().__init__(*args, **kwargs)

    def __iter__(self) -> Any:
        batches = super().__iter__()
        workers = getattr(batches, '_workers', ())
        note_workers(self.key, [worker.pid for worker in workers])
        return batches
