import copy
import os
import pickle
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import mmcv.ops
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.operators import (MissingOperator, OperatorFinder,
                                      are_compiled, install_operators, nms,
                                      sigmoid_focal_loss_backward,
                                      sigmoid_focal_loss_forward)

ROOT = Path(__file__).resolve().parents[3]
NAN, INF = float('nan'), float('inf')


def kept(boxes, scores, threshold=0.5, offset=0):
    return nms(
        torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), threshold,
        offset).tolist()


def in_a_process(code):
    """What Python prints where no operators were compiled."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         'import without_operators\n' + code],
        env=dict(os.environ, PYTHONPATH=f'{ROOT}:{ROOT}/tests'),
        capture_output=True, text=True)


# What the compiled operator of onedl-mmcv 2.3.6 answers.
@pytest.mark.parametrize('boxes, scores, threshold, offset, expected', [
    ([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30.]], [.5, .9, .1],
     .5, 0, [1, 2]),
    # an overlap that is the threshold is none
    ([[0, 0, 2, 1], [0, 0, 1, 1.]], [.9, .8], .5, 0, [0, 1]),
    ([[0, 0, 2, 1], [0, 0, 1, 1.]], [.9, .8], .49, 0, [0]),
    # 6 / 9 with a pixel more, 2 / 4 without
    ([[0, 0, 2, 2], [0, 0, 1, 2.]], [.9, .8], .6, 0, [0, 1]),
    ([[0, 0, 2, 2], [0, 0, 1, 2.]], [.9, .8], .6, 1, [0]),
    # a suppressed box suppresses nothing
    ([[0, 0, 10, 1], [4, 0, 14, 1], [8, 0, 18, 1.]], [.9, .8, .7], .4, 0,
     [0, 2]),
    # of the same box the best one stays
    ([[0, 0, 9, 9.]] * 3, [.1, .3, .2], .5, 0, [1]),
    # boxes without an area divide 0 by 0
    ([[5, 5, 5, 5.]] * 2, [.2, .9], .5, 0, [1, 0]),
    ([[5, 5, 5, 5.]] * 2, [.2, .9], .5, 1, [1]),
    ([[NAN, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]], [.9, .8, .7], .5, 0,
     [0, 1]),
    ([[0, 0, INF, 9], [0, 0, 9, 9], [0, 0, 9, 9]], [.9, .8, .7], .5, 0,
     [0, 1]),
    ([], [], .5, 0, []),
])
def test_golden_values(boxes, scores, threshold, offset, expected):
    assert kept(boxes, scores, threshold, offset) == expected
    if are_compiled():
        found = mmcv.ops.nms(
            torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores),
            threshold, offset)[1]
        assert found.tolist() == expected


def random_boxes(rng, count):
    """Boxes with ties, duplicates, empty ones and numbers that are none."""
    span = rng.choice([4, 30, 300])
    corner, size = rng.random((2, count, 2)) * span
    size *= rng.choice([0.1, 0.5, 1])
    if grid := rng.choice([0, 1, 8]):  # many equal coordinates
        corner, size = (np.round(x * grid) / grid for x in (corner, size))
    boxes = np.hstack([corner, corner + size]).astype(np.float32)
    if count and rng.random() < 0.4:
        boxes = boxes[rng.integers(0, count, count)]
    for value in (NAN, INF, -INF, 3e38):
        if rng.random() < 0.2:
            boxes[rng.random((count, 4)) < 0.1] = value
    scores = rng.random(count).astype(np.float32)
    if levels := rng.choice([0, 1, 3, 10]):
        scores = np.round(scores * levels)
    return torch.from_numpy(boxes), torch.from_numpy(scores)


@pytest.mark.operators
@settings(max_examples=1000, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2, 9, 64, 65, 200, 700]),
    st.sampled_from([-.1, 0, .1, 1 / 3, .5, .65, 1]), st.sampled_from([0, 1]))
def test_as_the_compiled_one(seed, count, threshold, offset):
    boxes, scores = random_boxes(np.random.default_rng(seed), count)
    from mmcv import _ext
    theirs = _ext.nms(boxes, scores, iou_threshold=threshold, offset=offset)
    ours = nms(boxes, scores, threshold, offset)
    assert ours.dtype == theirs.dtype and torch.equal(ours, theirs)


def test_ties_are_in_the_order_of_pytorch():
    boxes = torch.arange(400.).reshape(100, 4) * 9
    scores = torch.arange(100) % 3.
    order = scores.sort(0, descending=True)[1]
    assert torch.equal(nms(boxes, scores, 0.5, 0), order)


def test_boxes_of_another_kind_are_refused():
    scores = torch.ones(1)
    with pytest.raises(TypeError, match='float32, not torch.float64'):
        nms(torch.ones(1, 4).double(), scores, 0.5, 0)


def test_boxes_that_want_a_gradient():
    boxes = torch.tensor([[0, 0, 9, 9.]], requires_grad=True)
    scores = torch.ones(1, requires_grad=True)
    assert nms(boxes, scores, 0.5, 0).tolist() == [0]


def focal_loss(logits, target, weight, gamma=2., alpha=.25):
    """Loss and slope of every class, as MMCV's function asks for them."""
    found = []
    for operator in (sigmoid_focal_loss_forward, sigmoid_focal_loss_backward):
        out = torch.full_like(logits, 7.)
        operator(logits, target, weight, out, gamma=gamma, alpha=alpha)
        found.append(out)
    return found


@pytest.mark.parametrize('gamma, alpha', [(2., .25), (1.5, .5), (0., 1.)])
def test_focal_loss_is_that_of_mmdetection_on_a_cpu(gamma, alpha):
    logits = (4 * torch.randn(50, 3)).requires_grad_()
    target = torch.arange(50) % 4  # 3 is the background
    table = torch.nn.functional.one_hot(target, 4)[:, :3].float()
    theirs = py_sigmoid_focal_loss(
        logits, table, gamma=gamma, alpha=alpha, reduction='none')
    slope, = torch.autograd.grad(theirs.sum(), logits)
    loss, grad = focal_loss(
        logits.detach(), target, torch.empty(0), gamma, alpha)
    torch.testing.assert_close(loss, theirs)
    torch.testing.assert_close(grad, slope)


def test_focal_loss_of_certain_logits_and_weighted_classes():
    logits = torch.tensor([[-200., 200.], [-200., 200.], [1., 1.]])
    target = torch.tensor([0, 1, 2])
    plain = focal_loss(logits, target, torch.empty(0))
    expected = [[.25 * 200, .75 * 200], [0, 0]]
    assert plain[0][:2] == pytest.approx(np.array(expected))
    weighed = focal_loss(logits, target, torch.tensor([2., 3.]))
    rows = torch.tensor([[2.], [3.], [1.]])
    for one, other in zip(plain, weighed):
        assert torch.isfinite(one).all()
        torch.testing.assert_close(one * rows, other)
    half = focal_loss(logits.half(), target, torch.empty(0).half())
    assert torch.isfinite(half[0]).all()


FOCAL = """
import mmmultas, torch
from mmcv.ops import sigmoid_focal_loss
logits = torch.zeros(2, 3, requires_grad=True)
sigmoid_focal_loss(logits, torch.tensor([0, 3])).backward()
print(logits.grad[0].tolist())
"""


def test_focal_loss_of_mmcv_without_compiled_operators():
    run = in_a_process(FOCAL)
    # -alpha (1 - p)^2 (1 - p - 2 p log p) / 2 rows at p = 1/2
    slope = .25 * (.5 + np.log(2))
    there = -.25 * slope / 2
    absent = .75 * slope / 2
    assert eval(run.stdout) == pytest.approx([there, absent, absent]), (
        run.stderr)


def test_a_missing_operator_names_itself_when_it_is_called():
    operator = pickle.loads(pickle.dumps(MissingOperator('roi_align_forward')))
    assert copy.deepcopy(operator) == operator
    with pytest.raises(ConfigError,
                       match='`roi_align_forward`.*`make operators`'):
        operator(1, aligned=True)


def test_only_one_module_is_found():
    finder = OperatorFinder()
    assert finder.find_spec('mmcv._other') is None
    spec = finder.find_spec('mmcv._ext')
    assert spec.loader is finder


def test_it_is_installed_once_and_last():
    before = list(sys.meta_path)
    install_operators()
    assert sys.meta_path == before
    # other packages put finders of their own behind it
    kinds = [f if isinstance(f, type) else type(f) for f in before]
    files = [i for i, f in enumerate(kinds) if issubclass(f, PathFinder)]
    assert files and kinds.index(OperatorFinder) > max(files)


STOCK = """
import sys
import mmmultas
heavy = {'torch', 'mmcv', 'mmdet', 'mmseg'} & set(sys.modules)
assert not heavy, heavy
import mmdet.models, mmseg.models
from mmcv import _ext
from mmcv.ops import get_compiler_version, get_compiling_cuda_version
from mmmultas.utils.operators import are_compiled
assert not are_compiled() and not hasattr(_ext, '__path__')
print(get_compiler_version(), get_compiling_cuda_version())
print(_ext.__spec__.origin)
"""


def test_stock_packages_import_without_compiled_operators():
    done = in_a_process(STOCK)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        'not compiled not available', 'mmmultas.utils.operators']


def test_other_packages_first_fails_as_ever():
    done = in_a_process('import mmcv.ops')
    assert done.returncode == 1
    assert "No module named 'mmcv._ext'" in done.stderr


WORKERS = """
import mmmultas, multiprocessing, torch
from mmcv.ops import batched_nms

def boxes():
    return torch.tensor([[0, 0, 9, 9.], [0, 0, 9, 8.], [0, 0, 1, 1.]])

def work(method, box):
    how = dict(type=method, iou_threshold=0.5)
    return batched_nms(box, torch.arange(3.), torch.zeros(3), how)[1].tolist()

if __name__ == '__main__':
    compiled = torch.compile(work, backend='eager')
    print(compiled('nms', boxes()))
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        print(pool.apply(work, ('nms', boxes())))
        try:
            pool.apply(work, ('soft_nms', boxes()))
        except ValueError as error:
            print(type(error).__name__, error)
"""


def test_processes_and_compilers(tmp_path):
    (tmp_path / 'work.py').write_text('import without_operators\n' + WORKERS)
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', tmp_path / 'work.py'],
        env=dict(os.environ, PYTHONPATH=f'{ROOT}:{ROOT}/tests'),
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ['[2, 1]', '[2, 1]'], lines
    assert lines[2].startswith('ConfigError `softnms` is one of')
