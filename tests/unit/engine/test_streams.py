import pytest
import torch

import mmmultas.testing  # noqa: F401  registers the toys
from mmmultas.engine.streams import (EpochAlternation, IterationAlternation,
                                     Stream, StreamSet, build_eval_loader,
                                     joint_metainfo)
from mmmultas.testing import ToyDataset, toy_stream
from mmmultas.utils.errors import ConfigError


def _ids(batch):
    return [s.metainfo['img_id'] for s in batch['data_samples']]


def test_a_stream_restarts_reshuffled():
    stream = Stream('det', toy_stream(6, ('det', )), seed=0)
    epochs = [[i for _ in range(3) for i in _ids(next(stream))]
              for _ in range(3)]
    assert all(sorted(e) == list(range(6)) for e in epochs)
    assert len({tuple(e) for e in epochs}) > 1
    assert stream.epoch == 3 and stream.drawn == 9


@pytest.mark.parametrize('start', [1, 4, 7])
def test_seek_equals_having_drawn(start):
    whole = Stream('det', toy_stream(6, ('det', )), seed=0)
    batches = [next(whole) for _ in range(9)]
    late = Stream('det', toy_stream(6, ('det', )), seed=0)
    late.seek(start)
    for expected in batches[start:]:
        got = next(late)
        assert _ids(got) == _ids(expected)
        for a, b in zip(got['inputs'], expected['inputs']):
            assert torch.equal(a, b)


def test_two_views_double_the_batch():
    stream = Stream('det', toy_stream(6, ('det', ), double_aug=True), seed=0)
    batch = next(stream)
    ids = _ids(batch)
    assert ids[0::2] == ids[1::2] and len(ids) == 4 == stream.batch_size
    assert not torch.equal(batch['inputs'][0], batch['inputs'][1])


@pytest.mark.parametrize('length, expected', [('max', 5), ('min', 3),
                                              ('seg', 3), (7, 7)])
def test_epoch_length_of_iteration_alternation(length, expected):
    schedule = IterationAlternation(dict(det=5, seg=3), length)
    assert schedule.epoch_length == expected
    assert schedule.streams_at(11) == ('det', 'seg')
    assert schedule.drawn_before('seg', 11) == 11


@pytest.mark.parametrize('length', ['max', 4])
def test_epoch_alternation_counts_every_turn(length):
    lengths = dict(det=5, seg=3)
    schedule = EpochAlternation(lengths, length)
    turns = lengths if length == 'max' else dict(det=4, seg=4)
    assert schedule.epoch_length == sum(turns.values())
    drawn = dict(det=0, seg=0)
    for update in range(3 * schedule.epoch_length):
        for name in drawn:
            assert schedule.drawn_before(name, update) == drawn[name]
        name, = schedule.streams_at(update)
        drawn[name] += 1
    assert drawn == {n: 3 * t for n, t in turns.items()}


def test_streams_of_other_lengths():
    streams = StreamSet(
        dict(det=toy_stream(12, ('det', )), seg=toy_stream(8, ('seg', ))), 0)
    assert len(streams) == 6 and streams.images_per_update == 4
    streams.seek(5)
    assert streams.streams['seg'].epoch == 1
    assert set(streams.batches(5)) == {'det', 'seg'}
    assert streams.dataset.metainfo['tasks'] == ('det', 'seg')
    assert streams.dataset.metainfo['seg']['classes'][0] == 'background'


def test_a_stream_of_none_is_left_out():
    streams = StreamSet(dict(det=toy_stream(4, ('det', )), seg=None), 0)
    assert list(streams.streams) == ['det']


@pytest.mark.parametrize('change, message', [
    (dict(batch_sise=2), 'batch_sise'),
    (dict(sampler=dict(type='ClassAwareSampler')), 'sampler'),
])
def test_unknown_keys_and_samplers(change, message):
    with pytest.raises(ConfigError, match=message):
        Stream('det', dict(toy_stream(4, ('det', )), **change), seed=0)


def test_shuffle_can_be_switched_off():
    sampler = dict(type='DefaultSampler', shuffle=False)
    stream = Stream('det', toy_stream(4, ('det', ), sampler=sampler), seed=0)
    assert _ids(next(stream)) == [0, 1]


def test_grammar_errors():
    stream = toy_stream(4, ('det', ))
    with pytest.raises(ConfigError, match='dict of streams'):
        StreamSet(stream, 0)
    with pytest.raises(ConfigError, match='alternate'):
        StreamSet(dict(det=stream), 0, alternate='epochs')
    with pytest.raises(ConfigError, match='batch_size'):
        Stream('det', dict(dataset=stream['dataset']), 0)
    for length in (0, 'longest'):
        with pytest.raises(ConfigError, match='epoch_length'):
            StreamSet(dict(det=stream), 0, epoch_length=length)
    with pytest.raises(ConfigError, match='passed wholly'):
        StreamSet(
            dict(det=stream), 0, alternate='epoch', epoch_length='min')


def test_contradicting_classes():
    other = ToyDataset(2, ('det', ))
    meta = dict(tasks=('det', ), det=dict(classes=('x', )))
    with pytest.raises(ConfigError, match='label_map'):
        joint_metainfo([other, type('D', (), dict(metainfo=meta))()])


def test_evaluation_passes_every_sample_once():
    cfg = dict(batch_size=2, dataset=dict(type='mmmultas.ToyDataset',
                                          length=5))
    loader = build_eval_loader('val_dataloader', 'val', cfg, 0)
    assert [i for b in loader for i in _ids(b)] == [0, 1, 2, 3, 4]
    with pytest.raises(ConfigError, match='val_dataloader.val'):
        build_eval_loader('val_dataloader', 'val', {}, 0)
