"""The crops of both views against the released code's numbers.

They come from SPEC-MTPSL's reference file, given by MMMULTAS_MTPSL_REFERENCE
or found beside the repository; without it these tests skip.
"""
import os
from pathlib import Path

import numpy as np
import pytest

from mmmultas.datasets.transforms.geometry import RandomFlip
from mmmultas.datasets.transforms.zoom import ZoomCrop

BESIDE = (Path(__file__).resolve().parents[3] /
          'shared/golden/mtpsl_reference_0.npz')
PATH = Path(os.environ.get('MMMULTAS_MTPSL_REFERENCE', BESIDE))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(),
    reason='set MMMULTAS_MTPSL_REFERENCE to the reference values')
SCALES = (1., 1.2, 1.5)
KEYS = dict(image='img', label='gt_seg_map', depth='gt_depth',
            normal='gt_normals')


@pytest.fixture(scope='module')
def ref():
    return np.load(PATH)


def _sample(ref, tasks):
    given = dict(img=np.rint(ref['aug.image'] * 255).astype(np.uint8),
                 gt_seg_map=np.where(ref['aug.label'] < 0, 255,
                                     ref['aug.label']).astype(np.uint8),
                 gt_depth=ref['aug.depth'][..., 0],
                 gt_normals=ref['aug.normal'])
    keep = {KEYS[k] for k in ('image', *tasks)}
    names = dict(label='seg', depth='depth', normal='normals')
    return {**{k: v for k, v in given.items() if k in keep},
            'tasks': tuple(names[t] for t in tasks)}


def _cut(results, ref, key):
    k, y, x = (int(v) for v in ref[key])
    return ZoomCrop(released=True).cut(results, SCALES[k], y, x)


def _flip(results, ref, key):
    return RandomFlip(float(ref[key]))(results)


def _compare(results, ref, name, tasks, roundings=2):
    levels = ref[f'{name}.image'].transpose(1, 2, 0) * 255
    # ours are whole levels, before and after each crop
    assert abs(results['img'] - levels).max() <= .5 * roundings + .01
    for task in tasks:
        theirs = ref[f'{name}.{task}']
        ours = results[KEYS[task]]
        if task == 'label':
            ours = np.where(ours == 255, -1, ours.astype(int))
            assert (ours == theirs).all()
        else:
            theirs = theirs.transpose(1, 2, 0)
            np.testing.assert_allclose(ours.reshape(theirs.shape), theirs,
                                       rtol=1e-4, atol=1e-5)


ALL = ('label', 'depth', 'normal')


@pytest.mark.parametrize('number', range(3))
def test_of_mtan(ref, number):
    name = f'aug.mtan{number}'
    given = _cut(_sample(ref, ALL), ref, f'{name}.crop')
    _compare(_flip(given, ref, f'{name}.flip'), ref, name, ALL)


def test_both_views_of_nyu(ref):
    first = _cut(_sample(ref, ALL), ref, 'aug.nyu.crop1')
    _compare(first, ref, 'aug.nyu.view1', ALL)
    second = _cut(dict(first), ref, 'aug.nyu.crop2')
    _compare(second, ref, 'aug.nyu.view2', ALL, 3)


def test_both_views_of_cityscapes(ref):
    tasks = ('label', 'depth')
    first = _flip(_sample(ref, tasks), ref, 'aug.city.flip1')
    first = _cut(first, ref, 'aug.city.crop1')
    _compare(first, ref, 'aug.city.view1', tasks)
    second = _flip(dict(first), ref, 'aug.city.flip2')
    second = _cut(second, ref, 'aug.city.crop2')
    _compare(second, ref, 'aug.city.view2', tasks, 3)
