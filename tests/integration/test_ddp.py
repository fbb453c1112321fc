"""Two processes on the CPU (gloo) against one."""
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmmultas.testing import toy_distillation

WORKER = Path(__file__).with_name('ddp_worker.py')
ROOT = WORKER.parents[2]


def _port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def _run(work_dir, mode, world):
    env = dict(
        os.environ,
        OMP_NUM_THREADS='1',
        PYTHONPATH=str(ROOT),
        CUDA_VISIBLE_DEVICES='')
    command = [sys.executable, '-W', 'ignore']
    if world > 1:
        command += [
            '-m', 'torch.distributed.run', '--nproc_per_node', str(world),
            '--master_addr', '127.0.0.1', '--master_port', str(_port())
        ]
    command += [str(WORKER), str(work_dir), mode, str(world)]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    for rank in range(world if world > 1 else 0):
        # a thread of the group that outlives Python may abort the process
        assert (work_dir / f'threads-{rank}.json').read_text() == '[]'


def _weights(work_dir, world, rank):
    return torch.load(work_dir / f'weights_{world}_{rank}.pth')


def _parameters_equal(a, b, **tolerance):
    for key, value in a.items():
        if 'running' not in key and 'num_batches' not in key:
            torch.testing.assert_close(b[key], value, **tolerance)


@pytest.mark.parametrize('mode', ['plain', 'epoch', 'mixed', 'amp'])
def test_trains_validates_and_keeps_ranks_alike(tmp_path, mode):
    """Epoch alternation and mixed samples leave a head without labels."""
    _run(tmp_path, mode, 2)
    first, second = (_weights(tmp_path, 2, rank) for rank in (0, 1))
    _parameters_equal(first, second, atol=0, rtol=0)
    assert (tmp_path / 'epoch_2.pth').is_file()
    assert list(tmp_path.glob('best_score_epoch_*.pth'))


@pytest.mark.parametrize('mode', [
    'equal', 'uneven', 'partial',
    *(pytest.param(mode, marks=pytest.mark.slow) for mode in (
        'weak', 'xtc', 'cam'))
])
def test_two_processes_equal_one_with_the_joint_batch(tmp_path, mode):
    """Also where one of them has no boxes in any update, whose gradients are
    balanced (uneven), and where somebody looked for some classes of an image
    only, and batches are read again after their step (partial), or boxes and
    masks teach one another under a balancer (weak), or tasks meet in a joint
    space (xtc), or classes of images are learnt of both (cam)."""
    _run(tmp_path / 'one', mode, 1)
    _run(tmp_path / 'two', mode, 2)
    _parameters_equal(
        _weights(tmp_path / 'one', 1, 0),
        _weights(tmp_path / 'two', 2, 0),
        atol=1e-5,
        rtol=1e-5)
    one, first, second = (
        json.loads((tmp_path / name).read_text())
        for name in ('one/logs_1_0.json', 'two/logs_2_0.json',
                     'two/logs_2_1.json'))
    for log in second:  # of updates in which it had neither label nor pair
        log.pop('loss_unlabelled', None)
    assert len(one) == len(first) and first == second
    # of three images one has no label: an update may lack that of a task
    always = dict(xtc={'xtc.loss_ct'},
                  cam={'seg.loss_cls', 'seg.loss_recam'}).get(
        mode, {'det.loss_cls', 'seg.loss_ce'})
    for alone, joint in zip(one, first):
        assert {*always, 'loss'} <= alone.keys()
        assert joint == pytest.approx(alone, rel=1e-4, abs=1e-5)
    if mode == 'xtc':
        assert {'seg.loss_ce', 'depth.loss_depth'} <= set().union(*one)


def test_distillation_equals_one_process_with_the_joint_batch(tmp_path):
    toy_distillation(tmp_path, channels=8)  # writes the teachers
    _run(tmp_path / 'one', 'distilled', 1)
    _run(tmp_path / 'two', 'distilled', 2)
    one = _weights(tmp_path / 'one', 1, 0)
    ranks = [_weights(tmp_path / 'two', 2, rank) for rank in (0, 1)]
    key = 'companions.teachers.connectors.seg.convs.0.weight'
    assert key in one
    _parameters_equal(*ranks, atol=0, rtol=0)
    _parameters_equal(one, ranks[0], atol=1e-5, rtol=1e-5)


def test_a_teacher_that_sees_nothing_on_one_process(tmp_path):
    toy_distillation(tmp_path)
    _run(tmp_path / 'run', 'unheard', 2)
    first, second = (_weights(tmp_path / 'run', 2, rank) for rank in (0, 1))
    _parameters_equal(first, second, atol=0, rtol=0)
    start = torch.load(tmp_path / 'run/epoch_1.pth')['companions']
    key = 'connectors.seg.convs.0.weight'
    assert not torch.equal(start['teachers'][key],
                           first[f'companions.teachers.{key}'])


def test_leaves_its_group_at_once(tmp_path):
    """Also where a model holds the group until it is collected."""
    _run(tmp_path, 'leave', 2)


def test_resumes_and_tests_as_one_process(tmp_path):
    _run(tmp_path, 'plain', 2)
    whole = _weights(tmp_path, 2, 0)
    (tmp_path / 'epoch_2.pth').rename(tmp_path / 'whole.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    _run(tmp_path, 'resume', 2)
    again = _weights(tmp_path, 2, 0)
    assert all(torch.equal(whole[key], again[key]) for key in whole)
    for world in (1, 2):
        _run(tmp_path, 'test', world)
    metrics = [
        json.loads((tmp_path / f'metrics_{world}_0.json').read_text())
        for world in (1, 2)
    ]
    assert metrics[0] == metrics[1] and 'det/mAP' in metrics[0]


def test_all_processes_stop_for_what_one_of_them_met(tmp_path):
    """A NaN loss on the second one; a full disk on the first one."""
    _run(tmp_path, 'fail', 2)
    said = [(tmp_path / f'nan_{rank}.txt').read_text() for rank in (0, 1)]
    assert said[0] == said[1]
    # update 2 was left out by both
    for part in ('update 5 ', 'det.loss_cls=nan', 'on process 1',
                 'nonfinite_update_5_rank1.pth', 'toy/'):
        assert part in said[0], (part, said[0])
    kept = torch.load(
        tmp_path / 'nonfinite_update_5_rank1.pth', weights_only=True)
    assert len(kept['streams']['det']['inputs']) == 2
    first, second = (_weights(tmp_path, 2, rank) for rank in (0, 1))
    _parameters_equal(first, second, atol=0, rtol=0)
    assert all(torch.isfinite(value).all() for value in first.values())
    full = [(tmp_path / f'full_{rank}.txt').read_text() for rank in (0, 1)]
    assert 'No space left' in full[0] and 'Another process' in full[1]


def test_all_processes_stop_when_one_is_signalled(tmp_path):
    _run(tmp_path / 'whole', 'plain', 2)
    _run(tmp_path / 'cut', 'signals', 2)
    said = {
        path.name: path.read_text() for path in
        (tmp_path / 'cut').glob('*_[01].txt')
    }
    assert said == {
        'step_0.txt': '143 4', 'step_1.txt': '143 4',
        'val_step_0.txt': '143 6', 'val_step_1.txt': '143 6',
        'end_0.txt': '6', 'end_1.txt': '6'
    }
    whole, cut = (_weights(tmp_path / x, 2, 0) for x in ('whole', 'cut'))
    _parameters_equal(whole, cut, atol=0, rtol=0)
    # batch norm's are averaged over the processes once more
    for key in whole:
        torch.testing.assert_close(cut[key], whole[key])
