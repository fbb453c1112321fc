import shutil

import pytest

from mmmultas.report.collect import collect
from mmmultas.report.tested import judge_runs, predictions_of
from mmmultas.utils.errors import DataError


def test_every_run_is_judged(toys):
    data = collect([toys.work], toys.matrix)
    tested = judge_runs(data)
    assert tested.absent == []
    assert list(tested.found) == ['det_seed0', 'seg_seed0', 'mtl_seed0']
    assert tested.found['seg_seed0'].ap50 == {}
    assert tested.found['det_seed0'].iou == {}
    # the same test data are read once
    assert len({id(t) for t in tested.truths.values()}) == 1


def test_predictions_of_two_runs(toys):
    data = collect([toys.work], toys.matrix)
    det, seg, _ = data.runs
    assert predictions_of([det, seg]).tasks == ('det', 'seg')
    with pytest.raises(DataError, match=r'neither boxes.json nor masks/'):
        predictions_of([det], ['seg'])


def test_what_is_left_out(toys, tmp_path):
    work = tmp_path / 'work'
    shutil.copytree(toys.work, work)
    shutil.rmtree(work / 'seg_seed0/masks')
    config = work / 'mtl_seed0/config.py'
    config.write_text(config.read_text().replace(
        str(toys.root / 'devkit'), '/no/such/place'))
    (work / 'det_seed0/boxes.json').write_text('{}')
    tested = judge_runs(collect([work], toys.matrix))
    assert tested.found == {}
    det, seg, mtl = tested.absent
    assert det.startswith('Left out here: det_seed0 (')
    assert 'boxes.json' in det
    assert seg == ('Left out here: seg_seed0 (neither boxes.json nor masks/ '
                   'is in its folder).')
    assert '/no/such/place' in mtl
