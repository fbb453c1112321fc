import pytest
import torch

from mmmultas.models.losses import LossSum
from mmmultas.models.multitask import joint

LAYOUT = [('det', 'loss_cls'), ('seg', 'loss_ce')]


@pytest.fixture
def beside(monkeypatch):
    """Stand beside a second process that holds another vector."""

    def with_other(other):
        def all_reduce(data, op='sum'):
            total = data + torch.tensor(other).reshape(data.shape)
            data.copy_(total / 2 if op == 'mean' else total)

        monkeypatch.setattr(joint, 'all_reduce', all_reduce)

    return with_other


def test_counts_and_substitutes_add_up(beside):
    beside([[3., 1.], [2., 0.]])
    sums = dict(det=dict(loss_cls=LossSum(
        torch.tensor(1.), torch.tensor(4.), torch.tensor(6.))))
    found = joint.joint_counts(sums, LAYOUT, torch.device('cpu'))
    assert {k: v.tolist() for k, v in found.items()} == {
        LAYOUT[0]: [7., 7.], LAYOUT[1]: [2., 0.]}


def test_logs_are_joint_values(beside):
    names = ['det.loss_cls', 'seg.loss_ce', 'pseudo.x']
    # the other process has no boxes, but masks
    beside([1., 0., 5., 0., 0., 1., 0.])
    logs = {'loss': torch.tensor(3.), 'det.loss_cls': torch.tensor(4.),
            'aux.loss': torch.tensor(9.)}
    found = joint.joint_logs(logs, names)
    assert {k: float(v) for k, v in found.items()} == {
        'loss': 2., 'det.loss_cls': 2., 'seg.loss_ce': 2.5, 'aux.loss': 9.}
