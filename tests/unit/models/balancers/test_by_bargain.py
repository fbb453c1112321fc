import torch

from mmmultas.models.balancers import NashMTL

ONES = dict(det=torch.ones(()), seg=torch.ones(()))


def test_updates_without_a_solution_are_counted():
    balancer = NashMTL()
    balancer.meet(('det', 'seg'))
    opposite = torch.tensor([[1., -1.], [-1., 1.]]).double()
    for count in (1., 2.):
        found = balancer.weights(ONES, opposite)
        assert found == dict(det=1, seg=1)
        assert balancer.found()['fallbacks'] == count
