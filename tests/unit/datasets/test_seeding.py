import pickle
import random
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmmultas.datasets import seeding
from mmmultas.datasets.seeding import (EvalSampler, KeyedIndex, SeededDataset,
                                       StreamBatchSampler, seeded, stable_hash)
from mmmultas.registry import DATA_SAMPLERS, DATASETS
from mmmultas.utils.errors import ConfigError, DataError


class Dice:
    """Every sample draws from all three generators."""
    metainfo = {'tasks': ('det', )}
    tasks = ('det', )

    def __init__(self, length=10, pipeline=()):
        self.length = length
        self.pipeline = list(pipeline)

    def __len__(self):
        return self.length

    def get_data_info(self, index):
        return {'img_id': str(index)}

    def __getitem__(self, index):
        return torch.tensor(
            [index,
             random.random(),
             np.random.rand(),
             torch.rand(()).item()],
            dtype=torch.float64)


def sampler(length=10, batch_size=3, **kwargs):
    return StreamBatchSampler(
        Dice(length), batch_size, **{
            'seed': 5,
            'stream': 'det',
            **kwargs
        })


def take(batches, count):
    return [[(int(i), i.key) for i in batch]
            for batch in islice(batches, count)]


def as_rank(monkeypatch, rank, world):
    monkeypatch.setattr(seeding, 'get_dist_info', lambda: (rank, world))


def loaded(workers, count=8):
    loader = DataLoader(
        SeededDataset(Dice()),
        batch_sampler=sampler(),
        num_workers=workers,
        persistent_workers=workers > 0)
    return torch.stack(list(islice(loader, count)))


def test_registered():
    dataset = DATASETS.build(
        dict(type='mmmultas.SeededDataset', dataset=Dice()))
    built = DATA_SAMPLERS.build(
        dict(
            type='mmmultas.StreamBatchSampler',
            dataset=dataset,
            batch_size=2,
            seed=1,
            stream='seg'))
    assert built.batches_per_epoch == 5
    assert dataset.tasks == ('det', )
    assert dataset.metainfo == Dice.metainfo
    assert dataset.get_data_info(KeyedIndex(3, 1)) == {'img_id': '3'}


@pytest.mark.parametrize('workers', [1, 2])
def test_batches_do_not_depend_on_workers(workers):
    alone = loaded(0)
    assert torch.equal(loaded(workers), alone)
    assert alone[..., 1:].unique().numel() == alone[..., 1:].numel()


def test_global_generators_are_left_alone():
    dataset = SeededDataset(Dice())
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = Dice()[0]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    dataset[KeyedIndex(3, 77)]
    assert torch.equal(Dice()[0], expected)


def test_global_generators_survive_an_error():

    class Broken(Dice):

        def __getitem__(self, index):
            random.random()
            raise OSError('disk gone')

    state = random.getstate()
    with pytest.raises(DataError, match='image 0 cannot be read .disk gone'):
        SeededDataset(Broken())[KeyedIndex(0, 5)]
    assert random.getstate() == state


def test_plain_index_is_repeatable():
    dataset = SeededDataset(Dice())
    assert torch.equal(dataset[4], dataset[4])
    assert not torch.equal(dataset[4][1:], dataset[5][1:])


def test_seeds_inside_seeds():
    np.random.seed(4)
    first = np.random.rand()
    np.random.seed(4)
    with seeded(1):
        outer = np.random.rand(2)
        with seeded(1):
            assert np.random.rand() == outer[0]
    with seeded(1):
        assert np.random.rand() == outer[0]
        with seeded(2):
            np.random.rand()
        assert np.random.rand() == outer[1]
    assert np.random.rand() == first


def test_index_keeps_its_key_when_pickled():
    index = pickle.loads(pickle.dumps(KeyedIndex(3, 9, 11)))
    assert index.spare == 11 and KeyedIndex(3, 9).spare == 9
    assert (index, index.key) == (3, 9)


def test_hash_is_the_same_in_every_release():
    # a change here changes every run: resumed ones would not match
    assert stable_hash(0, 'det', 0, 0, 0) == 0x4d10b1c044636899
    assert len({stable_hash(0, 'det', 1), stable_hash(0, 'seg', 1)}) == 2


def test_epochs_are_permutations_that_differ():
    batches = take(sampler(length=9), 6)
    first = [i for batch in batches[:3] for i, _ in batch]
    second = [i for batch in batches[3:] for i, _ in batch]
    assert sorted(first) == sorted(second) == list(range(9))
    assert first != second


def test_streams_and_seeds_differ():
    orders = {
        str(take(sampler(seed=seed, stream=stream), 3))
        for seed in (0, 1) for stream in ('det', 'seg')
    }
    assert len(orders) == 4


def test_drop_last_and_wrap_around():
    dropped, wrapped = sampler(), sampler(drop_last=False)
    assert (dropped.batches_per_epoch, wrapped.batches_per_epoch) == (3, 4)
    epoch = [i for batch in take(wrapped, 4) for i, _ in batch]
    assert len(epoch) == 12 and sorted(epoch[:10]) == list(range(10))
    assert epoch[10:] == epoch[:2]


def test_wrap_around_fills_a_batch_larger_than_the_data():
    epoch = take(sampler(length=2, batch_size=5, drop_last=False), 1)[0]
    assert Counter(i for i, _ in epoch) in ({0: 3, 1: 2}, {0: 2, 1: 3})
    assert len({key for _, key in epoch}) == 5


@pytest.mark.parametrize('start', [0, 2, 3, 7])
def test_seek_equals_an_uninterrupted_stream(start):
    resumed = sampler()
    resumed.seek(start)
    assert take(resumed, 4) == take(sampler(), start + 4)[start:]


@pytest.mark.parametrize('world', [2, 3])
@pytest.mark.parametrize('drop_last', [True, False])
def test_ranks_share_the_joint_batch(monkeypatch, world, drop_last):
    joint = take(
        sampler(length=20, batch_size=2 * world, drop_last=drop_last), 7)
    ranks = []
    for rank in range(world):
        as_rank(monkeypatch, rank, world)
        ranks.append(
            take(sampler(length=20, batch_size=2, drop_last=drop_last), 7))
    for number, batch in enumerate(joint):
        for rank in range(world):
            assert ranks[rank][number] == batch[rank::world]


def test_views_are_neighbours_with_keys_of_their_own():
    once, twice = take(sampler(), 2), take(sampler(views=2), 2)
    assert [i for i, _ in twice[0]] == [i for i, _ in once[0] for _ in '12']
    assert twice[0][::2] == once[0]
    assert len({key for _, key in twice[0]}) == 6


def test_too_few_samples_name_the_stream():
    with pytest.raises(ConfigError, match="stream 'det': 2 samples"):
        sampler(length=2)
    with pytest.raises(ConfigError, match="stream 'det': 0 samples"):
        sampler(length=0, drop_last=False)


@pytest.mark.parametrize('world', [1, 2, 3, 12])
def test_eval_sampler_neither_repeats_nor_drops(monkeypatch, world):
    seen = []
    for rank in range(world):
        as_rank(monkeypatch, rank, world)
        part = EvalSampler(Dice(10), seed=3)
        assert len(part) == len(list(part))
        seen += list(part)
    assert sorted(seen) == list(range(10))


def nested(transform):

    class Choice:

        def __init__(self):
            self.transforms = [transform]

    return Dice(pipeline=[Choice()])


class Albu:
    """Named as the wrappers of mmdet and mmseg are."""


class Private:

    def __init__(self):
        self.rng = np.random.default_rng(0)


@pytest.mark.parametrize('transform', [Albu(), Private()])
def test_private_generators_are_refused(transform):
    with pytest.raises(ConfigError, match=type(transform).__name__):
        SeededDataset(nested(transform))
