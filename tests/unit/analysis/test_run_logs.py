import json

import pytest

from mmmultas.analysis.run_logs import (RunLog, curves_of, keys_of, panels_of,
                                        read_run, summary)
from mmmultas.utils.errors import ConfigError, DataError


def train(step, loss, time=1.0):
    return {'lr': .1, 'loss': loss + 1, 'det.loss_cls': loss, 'det.epoch': .5,
            'time': time, 'data_time': .25, 'epoch': 1, 'iter': step,
            'step': step}


def val(epoch, score):
    return {'seg/mIoU': score, 'score': score, 'time': 9.0, 'step': epoch}


def write(folder, start, records, name='scalars.json'):
    path = folder / start / 'vis_data' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(r) + '\n' for r in records))
    return path


@pytest.fixture
def resumed(tmp_path):
    """Killed at 40 after the epoch at 20 was saved and validated."""
    first = [train(10, 9), train(20, 8), val(1, 30.), train(30, 7),
             train(40, 6), val(2, 35.)]
    write(tmp_path, '20260101_000000', first)
    write(tmp_path, '20260101_000000', first, '20260101_000000.json')
    write(tmp_path, '20260102_000000',
          [train(30, 5, 2.0), train(40, 4, 2.0), val(2, 40.)])
    # a test in the same folder logs nothing below vis_data
    (tmp_path / '20260103_000000/vis_data').mkdir(parents=True)
    (tmp_path / 'boxes.json').write_text('{}')
    return tmp_path


def test_a_resumed_run_is_one_run(resumed):
    curves = curves_of(read_run(resumed))
    assert set(curves) == {'loss', 'det.loss_cls', 'seg/mIoU', 'score'}
    assert curves['det.loss_cls'] == ([10, 20, 30, 40], [9, 8, 5, 4])
    assert curves['seg/mIoU'] == ([1, 2], [30, 40])


def test_a_run_that_starts_anew_replaces_the_old_one(tmp_path):
    write(tmp_path, '1', [train(10, 9), train(20, 8), val(1, 30.)])
    write(tmp_path, '2', [train(10, 5)])
    assert curves_of(read_run(tmp_path))['loss'] == ([10], [6])
    assert not read_run(tmp_path).val


def test_validation_that_a_kill_missed_is_kept(tmp_path):
    write(tmp_path, '1', [train(10, 9), train(20, 8)])
    write(tmp_path, '2', [val(1, 30.), train(30, 5)])
    curves = curves_of(read_run(tmp_path))
    assert curves['loss'].steps == [10, 20, 30]
    assert curves['score'] == ([1], [30])


def test_one_file_and_one_start(resumed):
    start = resumed / '20260102_000000'
    assert read_run(start).name == '20260102_000000'
    file = start / 'vis_data/scalars.json'
    assert curves_of(read_run(file))['loss'].steps == [30, 40]


def test_panels_by_task(resumed):
    panels = panels_of([read_run(resumed)])
    assert list(panels) == ['total losses', 'det losses', 'seg metrics',
                            'selection metrics']
    two = panels_of([read_run(resumed)] * 2, ['seg/mIoU'])
    assert list(two) == ['seg metrics']
    assert list(two['seg metrics']) == [f'{resumed.name}: seg/mIoU']
    with pytest.raises(ConfigError, match='depth/rmse'):
        panels_of([read_run(resumed)], ['depth/rmse'])


def test_times_and_best_values(resumed):
    lines = summary(read_run(resumed)).splitlines()
    # 1, 1, 2 and 2 seconds
    assert '1.500 s per update, 0.250 s' in lines[0]
    row = next(line for line in lines if line.startswith('det.loss_cls'))
    assert row.split()[2::2] == ['4', '9.00', '4.00', '4.00', '40']
    assert len(summary(read_run(resumed), ['score']).splitlines()) == 4


def test_cut_and_foreign_files(tmp_path):
    path = write(tmp_path, '1', [train(10, 9)])
    path.write_text(path.read_text() + '{"lr": 0.1, "st')
    assert len(read_run(tmp_path).train) == 1
    path.write_text('{"lr"\n' + path.read_text())
    with pytest.raises(DataError, match='line 1, is no JSON'):
        read_run(tmp_path)
    path.write_text('{"classes": []}\n')
    with pytest.raises(DataError, match='no record'):
        read_run(path)
    with pytest.raises(DataError, match='nowhere does not exist'):
        read_run(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='has no log'):
        read_run(tmp_path / 'empty')


def test_curves_of_a_task(resumed):
    runs = [read_run(resumed)]
    keys = keys_of(runs, 'det')
    assert keys and all(key.startswith(('det/', 'det.')) for key in keys)
    with pytest.raises(ConfigError, match="curves of 'depth': there are .*"
                       'det'):
        keys_of(runs, 'depth')


def test_what_a_balancer_says_has_panels_of_its_own():
    run = RunLog('a', [{
        'step': 1, 'det.loss': 1., 'balance/det': 2., 'balance/fallbacks': 1.,
        'balance/det-seg.cosine': .5, 'conflict/det-seg.cosine': .5}], [])
    assert {title: list(lines) for title, lines in panels_of([run]).items()
            } == {
        'det losses': ['det.loss'],
        'balancer: factors': ['balance/det'],
        'balancer: updates without weights': ['balance/fallbacks'],
        'gradients: cosine': ['balance/det-seg.cosine',
                              'conflict/det-seg.cosine']}
