import logging

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.logging import MMLogger

from mmmultas.engine.broken import BrokenSamples
from mmmultas.engine.streams import Stream, StreamSet
from mmmultas.testing import Devkit
from mmmultas.utils.errors import ConfigError, DataError

PIPELINE = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=32),
    dict(type='mmmultas.PackInputs')
]
NAMES = 'abcdefghijklmnopqrst'


@pytest.fixture
def kit(tmp_path):
    """Twenty images, two of which are cut."""
    kit = Devkit(tmp_path)
    for name in NAMES:
        kit.add(name)
    kit.ids(NAMES)
    _cut(kit, 'ch')
    return kit


def _cut(kit, names):
    for name in names:
        path = kit.path(f'VOC2012/JPEGImages/{name}.jpg')
        path.write_bytes(path.read_bytes()[:-200])


def _cfg(kit, **kwargs):
    return dict(
        dataset=dict(
            type='mmmultas.VOCDataset',
            data_root=str(kit.root),
            subsets=[dict(root='VOC2012', ids='ids.txt')],
            tasks=('det', ),
            pipeline=PIPELINE),
        **{
            'batch_size': 4,
            'skip_broken': True,
            **kwargs
        })


def _told(batch):
    return [(s.metainfo['img_id'], bool(s.metainfo.get('replaces')), x)
            for s, x in zip(batch['data_samples'], batch['inputs'])]


def _same(one, other):
    return all(a[:2] == b[:2] and torch.equal(a[2], b[2])
               for a, b in zip(_told(one), _told(other)))


def test_batches_are_the_same_however_they_are_read(kit):
    plain = Stream('det', _cfg(kit), 0)
    batches = [next(plain) for _ in range(10)]
    replaced = [t for b in batches for t in _told(b) if t[1]]
    assert len(replaced) == 4 and plain.broken.count == 4
    assert not {t[0] for b in batches for t in _told(b)} & {'c', 'h'}
    assert all('gt_sem_seg' not in s for b in batches
               for s in b['data_samples'])
    workers = Stream('det', _cfg(kit, num_workers=2), 0)
    assert all(_same(b, next(workers)) for b in batches)
    assert workers.broken.count == 4
    late = Stream('det', _cfg(kit), 0)
    late.seek(3)
    assert all(_same(b, next(late)) for b in batches[3:])


def test_sound_samples_are_those_without_the_key(kit):
    skipping, plain = Stream('det', _cfg(kit), 0), Stream(
        'det', _cfg(kit, skip_broken=False), 0)
    batch = next(skipping)
    if any(told[1] for told in _told(batch)):
        batch = next(skipping)
        plain.seek(1)
    assert _same(batch, next(plain))


def test_both_views_show_the_same_image(kit):
    stream = Stream('det', _cfg(kit, double_aug=True), 0)
    for _ in range(5):
        names = [told[0] for told in _told(next(stream))]
        assert names[::2] == names[1::2]
    assert stream.broken.count == 4


def test_without_the_key_the_run_stops(kit):
    stream = Stream('det', _cfg(kit, skip_broken=False), 0)
    with pytest.raises(DataError, match=r'[ch].jpg is truncated'):
        for _ in range(5):
            next(stream)


@pytest.mark.parametrize('names, message', [
    (NAMES, '17 samples in a row.*jpg is truncated'),
    ('abcde', r'\d images of the stream .det. cannot be read'),
])
def test_there_is_a_limit(kit, names, message):
    _cut(kit, set(names) - set('ch'))
    stream = Stream('det', _cfg(kit), 0)
    with pytest.raises(DataError, match=message):
        for _ in range(5):
            next(stream)


def test_an_epoch_ends_with_a_report(kit, caplog):
    MMLogger.get_instance('broken')  # print_log's "current"
    streams = StreamSet(dict(det=_cfg(kit)), 0)
    logger = MMLogger.get_current_instance()
    seen = []
    handler = logging.Handler()
    handler.setLevel(logging.INFO)
    handler.emit = lambda record: seen.append(record.getMessage())
    logger.addHandler(handler)
    try:
        for update in range(10):
            assert len(seen) == update // 5
            streams.batches(update)
    finally:
        logger.removeHandler(handler)
    for epoch, text in enumerate(seen, 1):
        assert f"Stream 'det', epoch {epoch}: 2 samples were" in text
        assert 'Broken files so far: 2.' in text
        assert 'c.jpg is truncated' in text and 'h.jpg is trunc' in text
    assert len(seen) == 2


def test_evaluation_replaces_nothing(kit):
    from mmmultas.engine.streams import build_eval_loader
    with pytest.raises(ConfigError, match='skip_broken'):
        build_eval_loader('val_dataloader', 'all', _cfg(kit), 0)


def test_counting():
    broken = BrokenSamples('det', 3)
    sample = DetDataSample(metainfo=dict(replaces=('a is cut.', )))
    broken.note(dict(data_samples=[sample, DetDataSample()]))
    broken.note(dict(data_samples=[sample]))
    assert broken.count == 2 and list(broken.reasons) == ['a is cut.']
    broken.report(1)
    assert broken.count == 0
    other = DetDataSample(metainfo=dict(replaces=('b is cut.', )))
    with pytest.raises(DataError, match='2 images.*a is cut'):
        broken.note(dict(data_samples=[other]))
