"""Streams of batches and the schedules that draw from them.

Where a stream stands is a function of the update count alone (DESIGN 1):
nothing here has state that a checkpoint would have to hold.
"""
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from mmengine.dist import get_world_size
from torch.utils.data import DataLoader

from mmmultas.registry import DATA_SAMPLERS, DATASETS
from mmmultas.utils.errors import ConfigError

from .broken import BrokenSamples
from .loaders import NamedLoader, loader_args

__all__ = [
    'EpochAlternation', 'IterationAlternation', 'Schedule', 'Stream',
    'StreamSet', 'build_eval_loader', 'joint_metainfo'
]


def _shuffle(name: str, cfg: dict[str, Any]) -> bool:
    """Read ``sampler``, whose grammar is mmdet's, and refuse the rest."""
    sampler = cfg.get('sampler') or {}
    kind = str(sampler.get('type', 'DefaultSampler')).split('.')[-1]
    unknown = set(sampler) - {'type', 'shuffle', 'round_up'}
    if kind not in ('DefaultSampler', 'InfiniteSampler') or unknown:
        raise ConfigError(
            f'The stream {name!r} asks for a sampler of its own; streams are '
            'ordered by seed and epoch alone, so that a run resumes exactly: '
            "use sampler=dict(type='DefaultSampler', shuffle=True) or none.")
    return bool(sampler.get('shuffle', True))


def _check_eval(key: str, cfg: dict[str, Any]) -> None:
    """Refuse keys that would leave samples out or reorder them."""
    if (cfg.get('sampler') and _shuffle(key, dict(
            sampler=dict(dict(shuffle=False), **cfg['sampler'])))):
        raise ConfigError(
            f'`{key}.sampler.shuffle` is True, but evaluation passes every '
            'sample once, in the order of the data set: set it to False.')
    if cfg.get('drop_last'):
        raise ConfigError(
            f'`{key}.drop_last` is True, but evaluation passes every sample '
            'once: remove it.')


class Stream:
    """An endless, seekable sequence of batches of one data set.

    Args:
        name: Key of the stream in ``train_dataloader``.
        cfg: ``dataset``, ``batch_size``, ``num_workers``, and optionally
            ``sampler`` (only its ``shuffle``), ``drop_last``, ``double_aug``
            (two augmented views of every image, doubling the batch; [P2]),
            ``skip_broken`` (replace samples whose files cannot be read) and
            DataLoader arguments.
        seed: Seed of order and augmentation.

    Raises:
        ConfigError: A key is missing or unknown.
    """

    def __init__(self, name: str, cfg: dict[str, Any], seed: int) -> None:
        known = {
            'dataset', 'batch_size', 'sampler', 'drop_last', 'double_aug',
            'skip_broken'
        }
        for key in ('dataset', 'batch_size'):
            if key not in cfg:
                raise ConfigError(
                    f'`train_dataloader.{name}` lacks `{key}`.')
        self.name = name
        args = loader_args(name, cfg, known, seed)
        # the sequence is endless: its workers live as long as the training
        args.pop('persistent_workers', None)
        shuffle = _shuffle(name, cfg)
        views = 2 if cfg.get('double_aug') else 1
        self.batch_size = int(cfg['batch_size']) * views
        skip = bool(cfg.get('skip_broken'))
        self.dataset = DATASETS.build(
            dict(
                type='mmmultas.SeededDataset',
                dataset=cfg['dataset'],
                skip_broken=skip,
                key=f'train_dataloader.{name}.dataset'))
        self.broken = BrokenSamples(name, len(self.dataset)) if skip else None
        self.sampler = DATA_SAMPLERS.build(
            dict(
                type='mmmultas.StreamBatchSampler',
                dataset=self.dataset,
                batch_size=cfg['batch_size'],
                seed=seed,
                stream=name,
                shuffle=shuffle,
                drop_last=cfg.get('drop_last', True),
                views=views))
        self.loader = NamedLoader(
            f'train_dataloader.{name}',
            self.dataset,
            batch_sampler=self.sampler,
            **args)
        self._batches: Iterator[Any] | None = None
        self._drawn = 0

    def __len__(self) -> int:
        """Batches per epoch of this stream."""
        return int(self.sampler.batches_per_epoch)

    @property
    def drawn(self) -> int:
        """Batches drawn since the start of training."""
        return self._drawn

    @property
    def epoch(self) -> int:
        """Whole passes over the data set."""
        return self._drawn // len(self)

    def seek(self, drawn: int) -> None:
        """Continue as if ``drawn`` batches had been drawn; reads nothing."""
        if drawn != self._drawn or self._batches is None:
            self._drawn = drawn
            self._batches = None

    def reseed(self, seed: int) -> None:
        """Take the order and augmentation of another seed."""
        self.sampler.seed = seed
        self._batches = None

    def __next__(self) -> Any:
        if self._batches is None:
            self.sampler.seek(self._drawn)
            self._batches = iter(self.loader)
        batch = next(self._batches)
        if self.broken is not None:
            self.broken.note(batch)
        self._drawn += 1
        return batch


class Schedule(metaclass=ABCMeta):
    """Which streams an update draws from.

    What it is built of, stands at the subclasses.
    """
    #: Updates per epoch of the run.
    epoch_length: int

    @abstractmethod
    def streams_at(self, update: int) -> tuple[str, ...]:
        """Streams that give a batch to ``update``, counted from 0."""

    @abstractmethod
    def drawn_before(self, stream: str, update: int) -> int:
        """Batches that ``stream`` gave to the updates before ``update``."""


class IterationAlternation(Schedule):
    """A batch of every stream in every update ([P1], the default).

    Args:
        lengths: Batches per epoch of each stream.
        epoch_length: Updates per epoch: ``'max'`` (the longest stream;
            shorter ones start again, reshuffled), ``'min'``, a stream's
            name, or a number.
    """

    def __init__(self, lengths: Mapping[str, int],
                 epoch_length: int | str = 'max') -> None:
        self.names = tuple(lengths)
        named = dict(
            lengths, max=max(lengths.values()), min=min(lengths.values()))
        if isinstance(epoch_length, str):
            if epoch_length not in named:
                raise ConfigError(
                    f'`train_cfg.epoch_length` is {epoch_length!r}; give '
                    f"'max', 'min', a number or a stream of {self.names}.")
            epoch_length = named[epoch_length]
        self.epoch_length = _positive(epoch_length)

    def streams_at(self, update: int) -> tuple[str, ...]:
        """All of them."""
        return self.names

    def drawn_before(self, stream: str, update: int) -> int:
        """One per update."""
        return update


class EpochAlternation(Schedule):
    """A pass over each stream in turn; an epoch of the run is a round.

    Args:
        lengths: Batches per epoch of each stream.
        epoch_length: ``'max'`` for whole passes, or a number: updates that
            each stream gets per round.
    """

    def __init__(self, lengths: Mapping[str, int],
                 epoch_length: int | str = 'max') -> None:
        if isinstance(epoch_length, str) and epoch_length != 'max':
            raise ConfigError(
                "With alternate='epoch' every stream is passed wholly: "
                "`train_cfg.epoch_length` is 'max' or a number of updates "
                f'per stream, got {epoch_length!r}.')
        self.turns: dict[str, tuple[int, int]] = {}
        start = 0
        for name, length in lengths.items():
            turn = length if isinstance(epoch_length, str) else _positive(
                epoch_length)
            self.turns[name] = (start, turn)
            start += turn
        self.epoch_length = start

    def streams_at(self, update: int) -> tuple[str, ...]:
        """The one whose turn it is."""
        place = update % self.epoch_length
        return tuple(name for name, (start, turn) in self.turns.items()
                     if start <= place < start + turn)

    def drawn_before(self, stream: str, update: int) -> int:
        """Its turns of whole rounds, and its part of this one."""
        rounds, place = divmod(update, self.epoch_length)
        start, turn = self.turns[stream]
        return rounds * turn + min(max(place - start, 0), turn)


def _positive(epoch_length: int) -> int:
    if isinstance(epoch_length, bool) or int(epoch_length) < 1:
        raise ConfigError('`train_cfg.epoch_length` must be at least 1, got '
                          f'{epoch_length}.')
    return int(epoch_length)


class StreamSet:
    """The streams of a run, drawn by a schedule.

    Looks enough like a DataLoader for MMEngine's hooks: a length (updates
    per epoch), a ``dataset`` with ``metainfo`` and a ``sampler``.

    Args:
        cfgs: One stream config per name.
        seed: Seed of order and augmentation.
        alternate: ``'iteration'`` or ``'epoch'``.
        epoch_length: See the schedules.

    Raises:
        ConfigError: ``cfgs`` is one loader instead of a dict of them, or
            ``alternate`` is unknown.
    """

    def __init__(self,
                 cfgs: Mapping[str, dict[str, Any]],
                 seed: int,
                 alternate: str = 'iteration',
                 epoch_length: int | str = 'max') -> None:
        check_streams('train_dataloader', cfgs)
        schedules = dict(
            iteration=IterationAlternation, epoch=EpochAlternation)
        if alternate not in schedules:
            raise ConfigError("`train_cfg.alternate` is 'iteration' or "
                              f"'epoch', got {alternate!r}.")
        self.streams = {
            name: Stream(name, cfg, seed)
            for name, cfg in cfgs.items() if cfg is not None
        }
        self.schedule: Schedule = schedules[alternate](
            {name: len(s)
             for name, s in self.streams.items()}, epoch_length)
        self.dataset = SimpleNamespace(
            metainfo=joint_metainfo(
                [s.dataset for s in self.streams.values()]))
        self.sampler = SimpleNamespace(set_epoch=lambda epoch: None)

    def __len__(self) -> int:
        """Updates per epoch."""
        return self.schedule.epoch_length

    def seek(self, update: int) -> None:
        """Stand before ``update``, counted from 0."""
        for name, stream in self.streams.items():
            stream.seek(self.schedule.drawn_before(name, update))

    def reseed(self, seed: int) -> None:
        """Take the order and augmentation of another seed."""
        for stream in self.streams.values():
            stream.reseed(seed)

    @property
    def shape(self) -> dict[str, list[int]]:
        """What a position in the streams depends on, for checkpoints."""
        shape = {
            name: [len(s.dataset), s.batch_size * get_world_size()]
            for name, s in self.streams.items()
        }
        return dict(shape, updates_per_epoch=[len(self)])

    def batches(self, update: int) -> dict[str, Any]:
        """The batches of ``update``, by stream."""
        batches = {
            name: next(self.streams[name])
            for name in self.schedule.streams_at(update)
        }
        epoch, place = divmod(update + 1, len(self))
        for stream in self.streams.values() if place == 0 else ():
            if stream.broken is not None:
                stream.broken.report(epoch)
        return batches

    @property
    def images_per_update(self) -> int:
        """Images in the largest update, over all processes."""
        sizes = {n: s.batch_size for n, s in self.streams.items()}
        rounds = range(len(self))
        most = max({
            names: sum(sizes[n] for n in names)
            for names in {self.schedule.streams_at(i)
                          for i in rounds}
        }.values())
        return most * get_world_size()


def check_streams(key: str, cfgs: Any) -> None:
    """A dict of loaders, or an error that shows the grammar."""
    if not isinstance(cfgs, Mapping) or not cfgs or 'dataset' in cfgs:
        raise ConfigError(
            f'`{key}` is a dict of streams, for example {key}=dict('
            'det=dict(dataset=..., batch_size=...), seg=dict(...)).')


def joint_metainfo(datasets: list[Any]) -> dict[str, Any]:
    """Classes and palettes by task, over several data sets.

    Raises:
        ConfigError: Two data sets give one task other classes.
    """
    joint: dict[str, Any] = {}
    for dataset in datasets:
        meta = dict(dataset.metainfo)
        for task in meta.get('tasks', ()):
            own = dict(meta.get(task, {}))
            known = joint.setdefault(task, own)
            for key in ('kind', 'unit'):
                if known.get(key) != own.get(key):
                    raise ConfigError(
                        f'Two data sets give {task!r} another `{key}` '
                        f'({known.get(key)!r} and {own.get(key)!r}): make '
                        'them agree, or name two tasks.')
            if tuple(known.get('classes') or ()) != tuple(
                    own.get('classes') or ()):
                raise ConfigError(
                    f'Two data sets give task {task!r} other classes: '
                    f'{known.get("classes")} and {own.get("classes")}; use '
                    'one list, or `label_map`.')
    return dict(tasks=tuple(joint), **joint)


def build_eval_loader(key: str, name: str, cfg: dict[str, Any],
                      seed: int) -> DataLoader:
    """A loader that passes every sample once, over all processes.

    Args:
        key: ``val_dataloader`` or ``test_dataloader``, for messages.
        name: Name of the stream.
        cfg: ``dataset``, ``batch_size``, ``num_workers`` and DataLoader
            arguments; ``sampler`` and ``drop_last`` are not needed.
        seed: Seed of transforms, should one be random.
    """
    known = {'dataset', 'batch_size', 'sampler', 'drop_last'}
    if 'dataset' not in cfg:
        raise ConfigError(f'`{key}.{name}` lacks `dataset`.')
    _check_eval(f'{key}.{name}', cfg)
    args = loader_args(name, cfg, known, seed)
    dataset = DATASETS.build(
        dict(
            type='mmmultas.SeededDataset',
            dataset=cfg['dataset'],
            key=f'{key}.{name}.dataset'))
    sampler = DATA_SAMPLERS.build(
        dict(type='mmmultas.EvalSampler', dataset=dataset))
    return NamedLoader(
        f'{key}.{name}',
        dataset,
        sampler=sampler,
        batch_size=int(cfg.get('batch_size', 1)),
        **args)
