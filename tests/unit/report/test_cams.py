import shutil

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmmultas.report.blocks import Gallery, Skipped
from mmmultas.report.cams import cam_blocks, largest_class
from mmmultas.report.collect import collect
from mmmultas.report.pictures import find_pair, ranked
from mmmultas.report.tested import judge_runs


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


def explained(work, matrix, limit=3):
    data = collect([work], matrix)
    tested = judge_runs(data)
    pair = find_pair(data, tested)
    truth = tested.truths[pair.multi.name]
    return truth, cam_blocks(pair, ranked(tested, pair)[:2], truth, limit)


def test_a_row_of_panels_per_picture(toys):
    truth, blocks = explained(toys.work, toys.matrix, 1)
    [found] = [b for b in blocks if isinstance(b, Gallery)]
    assert found.title == 'a_3: cat'
    assert [p.title for p in found.panels] == [
        'box · single-task', 'box · multi-task', 'pixels · single-task',
        'pixels · multi-task']
    assert all(p.jpeg for p in found.panels)


def test_without_checkpoints(toys, tmp_path):
    work = tmp_path / 'work'
    shutil.copytree(toys.work, work)
    (work / 'mtl_seed0/epoch_1.pth').unlink()
    blocks = explained(work, toys.matrix)[1]
    assert isinstance(blocks[-1], Skipped)
    assert 'No Grad-CAM' in blocks[-1].why and 'mtl_seed0' in blocks[-1].why


def test_the_largest_class(toys):
    truth, _ = explained(toys.work, toys.matrix, 1)
    image = truth.images[0]
    assert largest_class(image, truth) == 'cat'
    only_hard = image._replace(hard=np.array([True, True]))
    assert largest_class(only_hard, truth) == 'cat'  # of the pixels
    assert largest_class(only_hard._replace(packed=None), truth) is None
