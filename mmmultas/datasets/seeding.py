"""Randomness that belongs to the sample, not to the process (DESIGN 1).

The sampler yields indices that carry a key, a hash of (seed, stream, epoch,
position, view). The outermost data set seeds the global generators with it
and puts their states back afterwards. So a batch is the same for any number
of workers and processes, and a resumed run needs the update count alone.
"""
import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from mmmultas.registry import DATA_SAMPLERS, DATASETS
from mmmultas.utils.errors import (ConfigError, DataError, TrainingError,
                                   UserError)

from .pipeline_checks import (blind_to_the_view, check_dataset,
                              makes_second_view, moves_the_teacher, size_of)

__all__ = [
    'EvalSampler', 'KeyedIndex', 'SeededDataset', 'StreamBatchSampler',
    'seeded', 'stable_hash'
]

#: Other samples that are tried in the place of one with broken files.
TRIES = 16

#: Takes the place of NumPy's global generator while a sample is made.
_GENERATOR = np.random.MT19937()
#: NumPy's stubs do not know the two functions that exchange it.
_np_random: Any = np.random


def stable_hash(*parts: str | int) -> int:
    """Hash ``parts`` to 64 bits, alike in every process and version.

    Example:
        >>> stable_hash(0, 'det', 3) == stable_hash(0, 'det', 3)
        True
        >>> stable_hash(1, 'det') == stable_hash('1', 'det')
        False
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, 'little')


class KeyedIndex(int):
    """An index of a data set with the ``key`` that seeds its sample.

    ``KeyedIndex(index, key, spare)`` is the position in the data set with

    Attributes:
        key: 64 bits, see :func:`stable_hash`.
        spare: 64 bits that choose other samples should this one be broken;
            all views of an image have the same. By default the key.
    """
    key: int
    spare: int

    def __new__(cls,
                index: int,
                key: int,
                spare: int | None = None) -> 'KeyedIndex':
        self = super().__new__(cls, index)
        self.key = key
        self.spare = key if spare is None else spare
        return self

    def __reduce__(self) -> tuple[type, tuple[int, int, int]]:
        """Keep the key on the way to a worker."""
        return KeyedIndex, (int(self), self.key, self.spare)

    def __repr__(self) -> str:
        return f'KeyedIndex({int(self)}, key={self.key:#x})'


@contextmanager
def seeded(key: int) -> Iterator[None]:
    """Seed python, numpy and torch (CPU) with ``key``; restore on leaving.

    NumPy's global functions draw from another generator meanwhile: exchanging
    it takes a tenth of the time of copying its state twice. Only a normal
    number that NumPy had drawn in advance is forgotten.

    Args:
        key: 64 bits. CUDA's generators stay as they are: samples are made
            on the CPU.
    """
    states = random.getstate(), torch.default_generator.get_state()
    kept = _np_random.get_bit_generator()
    nested = kept is _GENERATOR
    _np_random.set_bit_generator(np.random.MT19937() if nested else _GENERATOR)
    try:
        random.seed(key)
        # a third word: python's generator is the same Mersenne twister
        np.random.seed([key & 0xffffffff, key >> 32, 1])
        torch.default_generator.manual_seed(key)
        yield
    finally:
        random.setstate(states[0])
        torch.default_generator.set_state(states[1])
        _np_random.set_bit_generator(kept)


@DATASETS.register_module()
class SeededDataset(Dataset[Any]):
    """Make every sample of ``dataset`` a function of its key alone.

    A plain ``int`` index is seeded with (0, index), so that evaluation and
    browsing are repeatable, too.

    Args:
        dataset: A data set, or the config of one (any registry's).
        skip_broken: Put another sample in the place of one whose files
            cannot be read. Which one is a function of the key alone; its
            metainfo ``replaces`` says what was wrong.
        key: Place of the data set in the config, for messages.

    Raises:
        ConfigError: A transform that cannot be seeded or that loses a label
            (see :func:`~mmmultas.datasets.pipeline_checks.check_dataset`).
    """

    def __init__(self,
                 dataset: Mapping[str, Any] | Dataset[Any],
                 skip_broken: bool = False,
                 key: str = 'dataset') -> None:
        self.skip_broken = skip_broken
        self.key = key
        if isinstance(dataset, Mapping):
            dataset = _build(dataset, key)
        self.dataset: Any = dataset
        check_dataset(dataset, key)

    @property
    def metainfo(self) -> dict[str, Any]:
        """Classes and palettes of the wrapped data set."""
        return dict(self.dataset.metainfo)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that every sample carries; empty if mixed or unknown."""
        return tuple(getattr(self.dataset, 'tasks', ()))

    @property
    def loses_view(self) -> str | None:
        """A transform after which nobody knows what of an image is seen."""
        return blind_to_the_view(self.dataset)

    @property
    def moves_teacher(self) -> str | None:
        """A transform by which a teacher sees images at another place."""
        return moves_the_teacher(self.dataset)

    @property
    def has_second_view(self) -> bool:
        """Whether samples have a second view of their image."""
        return makes_second_view(self.dataset)

    @property
    def final_size(self) -> tuple[int, int] | None:
        """Height and width of all images, where the pipeline says so."""
        return size_of(self.dataset)

    def full_init(self) -> None:
        """Read and check the lists and labels of the wrapped data set."""
        if hasattr(self.dataset, 'full_init'):
            self.dataset.full_init()

    def get_data_info(self, index: int) -> dict[str, Any]:
        """The record of a sample, before the pipeline."""
        return dict(self.dataset.get_data_info(int(index)))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        key = getattr(index, 'key', None)
        if key is None:
            key = stable_hash(0, int(index))
        if not self.skip_broken:
            return self._sample(int(index), key)
        return self._readable(int(index), key, getattr(index, 'spare', key))

    def _sample(self, place: int, key: int) -> Any:
        try:
            with seeded(key):
                sample = self.dataset[place]
            self._check_tasks(sample)
            return sample
        except UserError:
            raise
        except OSError as error:
            raise DataError(f'The files of {self._name(place)} cannot be '
                            f'read ({error}); mend them.') from error
        except Exception as error:
            raise TrainingError(
                f'No sample can be made of {self._name(place)} '
                f'({type(error).__name__}: {error}): mend its files or the '
                'pipeline; MMMULTAS_TRACEBACK=1 shows where.') from error

    def _check_tasks(self, sample: Any) -> None:
        """A sample that does not say its labels would teach nothing."""
        packed = sample.get('data_samples') if isinstance(sample, dict) else 0
        meta = getattr(packed, 'metainfo', None)
        if meta is not None and 'tasks' not in meta:
            raise ConfigError(
                f'The samples of `{self.key}` do not say what they are '
                'annotated for: end its pipeline with dict(type='
                "'mmmultas.PackInputs'), or add 'tasks' to the `meta_keys` "
                'of what packs them.')

    def _readable(self, place: int, key: int, spare: int) -> Any:
        reasons: list[str] = []
        for attempt in range(TRIES + 1):
            if attempt:
                place = stable_hash('spare', spare, attempt) % len(self)
            try:
                sample = self._sample(
                    place, stable_hash(key, attempt) if attempt else key)
            except DataError as error:
                reasons.append(' '.join(str(error).split()))
                continue
            if reasons:
                sample['data_samples'].set_metainfo(
                    dict(replaces=tuple(reasons)))
            return sample
        raise DataError(f'{TRIES + 1} samples in a row cannot be read, so '
                        f'that `skip_broken` is no help: {reasons[0]}')

    def _name(self, place: int) -> str:
        try:
            return str(self.get_data_info(place)['img_path'])
        except Exception:  # a data set without files
            return f'image {place}'


def _build(cfg: Mapping[str, Any], key: str) -> Any:
    try:
        return DATASETS.build(cfg)
    except (KeyError, TypeError, ValueError) as error:
        # MMEngine's and MMDetection's ConcatDataset compare metainfo
        joins = str(cfg.get('type')).endswith('ConcatDataset')
        if isinstance(error, UserError) or 'registry' in str(error) or not (
                joins or 'meta information' in str(error)):
            raise
        raise ConfigError(
            f'`{key}` joins data sets with other labels or classes: give '
            'each of them a stream of its own, whose batches meet in every '
            'update; streams of one task want the same `classes`.') from error


@DATA_SAMPLERS.register_module()
class StreamBatchSampler(Sampler[list[KeyedIndex]]):
    """An endless stream of batches, reshuffled at every epoch.

    Batch ``i`` of rank ``r`` of ``W`` takes the positions ``i·B·W + r + k·W``
    of the epoch's order (k = 0 … B-1): together the ranks see the joint batch
    that one process of batch size ``B·W`` would see.

    Args:
        dataset: Anything with a length.
        batch_size: Images per process and batch.
        seed: Seed of the run.
        stream: Name of the stream; streams of one seed differ.
        shuffle: A new order every epoch, else that of the data set.
        drop_last: Leave out the incomplete joint batch, else fill it from
            the start of the order (with keys of their own).
        views: Independently augmented copies of every image, side by side;
            2 is ``double_aug`` and doubles the batch (SPEC 5).

    Raises:
        ConfigError: Less than one joint batch, or a size that is no size.
    """

    def __init__(self,
                 dataset: Any,
                 batch_size: int,
                 seed: int | None = 0,
                 stream: str = 'train',
                 shuffle: bool = True,
                 drop_last: bool = True,
                 views: int = 1) -> None:
        if batch_size < 1 or views < 1:
            raise ConfigError(
                f'stream {stream!r}: `batch_size` and `views` must be at '
                f'least 1, not {batch_size} and {views}.')
        self.rank: int
        self.world_size: int
        self.rank, self.world_size = get_dist_info()
        self.num_samples: int = len(dataset)
        self.batch_size = batch_size
        self.seed = seed or 0
        self.stream = stream
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.views = views
        self._start = 0
        joint = batch_size * self.world_size
        if not self.num_samples or (drop_last and self.num_samples < joint):
            raise ConfigError(
                f'stream {stream!r}: {self.num_samples} samples do not fill '
                f'one batch of {batch_size} on {self.world_size} '
                f'process(es); lower its `batch_size`, set '
                f'`drop_last=False` or add samples.')

    @property
    def batches_per_epoch(self) -> int:
        """Batches (per process) in one epoch of this stream."""
        joint = self.batch_size * self.world_size
        spare = 0 if self.drop_last else joint - 1
        return (self.num_samples + spare) // joint

    def seek(self, batch: int) -> None:
        """Let the next ``iter()`` start at global batch number ``batch``.

        Args:
            batch: Count from the first batch of epoch 0; nothing in between
                is read.
        """
        if batch < 0:
            raise ValueError(f'cannot seek to batch {batch}')
        self._start = batch

    def __iter__(self) -> Iterator[list[KeyedIndex]]:
        batch = self._start
        per_epoch = self.batches_per_epoch
        epoch = -1
        order: NDArray[np.int64] = np.empty(0, np.int64)
        while True:
            if batch // per_epoch != epoch:
                epoch = batch // per_epoch
                order = self._order(epoch)
            yield self._batch(order, epoch, batch % per_epoch)
            batch += 1

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(self.num_samples)
        key = stable_hash(self.seed, self.stream, epoch)
        # RandomState's stream is frozen by numpy, Generator's is not
        rng = np.random.RandomState([key & 0xffffffff, key >> 32])
        return rng.permutation(self.num_samples)

    def _batch(self, order: NDArray[np.int64], epoch: int,
               number: int) -> list[KeyedIndex]:
        first = number * self.batch_size * self.world_size + self.rank
        positions = range(first,
                          first + self.batch_size * self.world_size,
                          self.world_size)
        return [
            KeyedIndex(
                order[position % self.num_samples],
                stable_hash(self.seed, self.stream, epoch, position, view),
                stable_hash(self.seed, self.stream, epoch, position))
            for position in positions for view in range(self.views)
        ]


@DATA_SAMPLERS.register_module()
class EvalSampler(Sampler[int]):
    """Rank ``r`` of ``W`` takes r, r + W, …: nothing repeated or dropped.

    The lengths of the ranks may differ by one.

    Args:
        dataset: Anything with a length.
        seed: Unused; MMEngine's runner hands one to every sampler.
    """

    def __init__(self, dataset: Any, seed: int | None = None) -> None:
        self.rank: int
        self.world_size: int
        self.rank, self.world_size = get_dist_info()
        self.num_samples: int = len(dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rank, self.num_samples, self.world_size))

    def __len__(self) -> int:
        return len(range(self.rank, self.num_samples, self.world_size))
