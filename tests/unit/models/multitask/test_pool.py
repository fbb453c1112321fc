import pytest
import torch

from mmmultas.models.losses import LossSum
from mmmultas.models.multitask import pool as module
from mmmultas.models.multitask.pool import Pool, pool

LAYOUT = [('det', 'loss_cls'), ('seg', 'loss_ce'), ('kd', 'loss_mse')]
TASKS = ['det', 'seg', 'kd']


def _sum(total, count, empty=None):
    empty = None if empty is None else torch.tensor(empty)
    return LossSum(torch.tensor(total), torch.tensor(count), empty)


def _pool(sums):
    return pool(sums, LAYOUT, TASKS, torch.device('cpu'))


@pytest.fixture
def beside(monkeypatch):
    """Stand beside a second process that holds another vector."""
    calls = []

    def with_other(other):
        def all_reduce(data):
            calls.append(data.clone())
            data += torch.tensor(other)

        monkeypatch.setattr(module, 'all_reduce', all_reduce)
        monkeypatch.setattr(module, 'get_world_size', lambda: 2)
        return calls

    return with_other


def _first(name):
    return name.partition('.')[0]


def _one(name):
    return 1.0


def _floats(values):
    return {k: round(float(v), 5) for k, v in values.items()}


def test_one_process_divides_by_its_own_counts():
    found = _pool(dict(det=dict(loss_cls=_sum(6., 2.), loss_x=_sum(3., 0.)),
                       seg={}))
    assert _floats(found.losses) == {'det.loss_cls': 3, 'det.loss_x': 3}
    assert _floats(found.values(_first, _one)) == dict(det=6)


def test_processes_share_counts_and_sums_in_one_vector(beside):
    # the other: no boxes, masks, a stock head's mean of det
    calls = beside([[0., 0, 0, 0], [4., 0, 10., 1], [0., 0, 0, 0],
                    [0., 0, 5., 1], [0., 0, 0, 0], [0., 0, 0, 0]])
    found = _pool(dict(det=dict(
        loss_cls=_sum(6., 3.), loss_stock=_sum(8., 4.)), seg={}))
    assert len(calls) == 1
    # DDP divides by two processes: twice the share of the joint mean
    assert _floats(found.losses) == {'det.loss_cls': 4, 'det.loss_stock': 2}
    assert _floats(found.joint) == {'det.loss_cls': 2, 'seg.loss_ce': 2.5}
    assert _floats(found.rest) == dict(det=3.5)
    assert _floats(found.values(_first, _one)) == dict(det=5.5, seg=2.5)


def test_what_stands_for_a_count_of_zero_adds_up(beside):
    beside([[0., 1, 0, 1]] + [[0.] * 4] * 5)
    found = _pool(dict(det=dict(loss_cls=_sum(14., 0., 6.))))
    assert _floats(found.losses) == {'det.loss_cls': 4}
    assert _floats(found.joint) == {'det.loss_cls': 2}


def test_logs_are_joint_values():
    found = Pool({}, {'det.loss_cls': torch.tensor(2.),
                      'seg.loss_ce': torch.tensor(3.)},
                 dict(det=torch.tensor(1.)))
    logs = {'loss': torch.tensor(9.), 'det.loss_cls': torch.tensor(8.),
            'det.acc': torch.tensor(7.)}
    assert _floats(found.logs(
        logs, lambda name: .5 if name.startswith('det') else 1.)) == {
        'loss': 4.5, 'det.loss_cls': 1, 'seg.loss_ce': 3, 'det.acc': 7}


def test_a_count_of_what_is_absent_divides_all_the_same(beside):
    """Images that this process has, and labels of the other one."""
    beside([[0., 0, 0, 0], [4., 0, 10., 1], *[[0.] * 4] * 4])
    none = LossSum(torch.tensor(0.), torch.tensor(6.), absent=True)
    found = _pool(dict(seg=dict(loss_ce=none)))
    assert found.losses == {} and _floats(found.joint) == {'seg.loss_ce': 1}
    assert none.scaled(2.).absent and none.merge(none).absent
    assert not none.merge(_sum(1., 1.)).absent


def test_what_is_absent_everywhere_is_no_loss():
    none = LossSum(torch.tensor(0.), torch.tensor(6.), absent=True)
    found = _pool(dict(seg=dict(loss_ce=none)))
    assert found.losses == {} and found.joint == {}
