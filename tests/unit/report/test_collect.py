import json
import shutil

import pytest

from mmmultas.report.collect import collect
from mmmultas.utils.errors import DataError


def test_a_matrix(toys):
    data = collect([toys.work], toys.matrix)
    assert [g.key for g in data.groups] == ['det', 'seg', 'mtl']
    assert data.title == 'Toys & <b>bolts</b>'
    assert data.metrics == ('det/AP50', 'seg/mIoU')
    assert data.baseline == dict(det='det', seg='seg')
    assert data.missing == ('Without a result, not begun: late (seed 0).', )
    run = data.groups[2].runs[0]
    assert run.tasks == ('det', 'seg') and run.name == 'mtl_seed0'
    assert run.facts['commit'] == 'abc1234'
    # the matrix's words of today, where it has any
    assert (run.title, run.paper) == ('both', {'det/mAP': 42.5})
    assert collect([toys.work], title='Mine').title == 'Mine'


def test_without_the_matrix(toys, tmp_path):
    shutil.copytree(toys.work, tmp_path / 'work')
    (tmp_path / 'work/mtl_seed0/result.json').unlink()
    data = collect([tmp_path / 'work'])
    assert data.baseline == dict(det='det', seg='seg')
    assert data.missing == ('Without a result, unfinished: mtl (seed 0).', )


def test_results_from_elsewhere(toys, tmp_path):
    results = tmp_path / 'results'
    results.mkdir()
    for key in ('det', 'mtl'):
        shutil.copy(toys.work / f'{key}_seed0/result.json',
                    results / f'{key}_seed0.json')
    data = collect([toys.work / 'det_seed0'], results=results)
    assert [run.folder for run in data.runs] == [
        toys.work / 'det_seed0', None]
    assert len(collect([], results=results).runs) == 2
    matrix = tmp_path / 'one.yaml'
    matrix.write_text('cells: {mtl: configs/x.py}')
    [run] = collect([], matrix, results).runs
    assert run.key == 'mtl'
    with pytest.raises(DataError, match='No run has a result yet'):
        collect([])


def test_a_single_training(toys, tmp_path):
    folder = tmp_path / 'mine'
    shutil.copytree(toys.work / 'mtl_seed0', folder)
    (folder / 'result.json').unlink()
    [run] = collect([folder]).runs
    assert (run.key, run.seed, run.updates) == ('mine', 3, 19)
    assert run.metrics['det/AP50'] == 75
    assert run.facts['tested'] == 'boxes.json'
    (folder / 'boxes.json').unlink()
    [run] = collect([folder]).runs
    assert run.facts['tested'] == 'the last validation'
    assert run.metrics == {'det/AP50': 75, 'seg/mIoU': 44}


def test_what_is_no_number(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(dict(
        cell='a', seed=1, updates='<b>', minutes=None, paper={'x/y': 'z'},
        metrics={'det/AP50': 3, 'det/mAP': float('nan'), 'seg/mIoU': 'x'})))
    [run] = collect([], results=tmp_path).runs
    assert run.metrics == {'det/AP50': 3.0}
    assert (run.updates, run.minutes, run.paper) == (None, None, {})


def test_what_cannot_be_reported(toys, tmp_path):
    with pytest.raises(DataError, match='is no folder'):
        collect([tmp_path / 'gone'])
    with pytest.raises(DataError, match='has no log'):
        collect([tmp_path])
    with pytest.raises(DataError, match='both hold det_seed0'):
        collect([toys.work, toys.work / 'det_seed0'])
    broken = tmp_path / 'x_seed0'
    broken.mkdir()
    with pytest.raises(DataError, match='No run has a result yet'):
        collect([tmp_path])
    for text in ('{', '[]', json.dumps(dict(cell='a', seed='b'))):
        (broken / 'result.json').write_text(text)
        with pytest.raises(DataError, match='is no result of a cell'):
            collect([broken])


def test_the_usual_metric_of_a_further_task_stands_first(tmp_path):
    metrics = {'parts/aAcc': 1., 'parts/mIoU': 2., 'det/mAP': 3.,
               'far/rmse': 4., 'far/abs_err': 5., 'own/b': 6., 'own/a': 7.}
    (tmp_path / 'result.json').write_text(json.dumps(dict(
        cell='x', seed=0, metrics=metrics)))
    assert collect([tmp_path]).metrics == (
        'det/mAP', 'far/abs_err', 'far/rmse', 'own/a', 'own/b', 'parts/mIoU',
        'parts/aAcc')
