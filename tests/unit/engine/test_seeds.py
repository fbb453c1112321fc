import random

import numpy as np
import torch

from mmmultas.engine.seeds import draws_of, seed_update


def test_updates_are_seeded():
    draws = []
    for seed, update in ((0, 1), (0, 1), (0, 2), (1, 1)):
        seed_update(seed, update)
        draws.append((torch.rand(1).item(), random.random(),
                      np.random.rand()))
    assert draws[0] == draws[1] and len(set(draws)) == 3
    assert len(set(draws[0])) == 3


def test_draws_of_an_update_come_again_and_disturb_nothing():
    def drawn():
        return torch.rand(1).item(), random.random(), np.random.rand()

    seed_update(0, 1)
    first = drawn()
    seed_update(5, 5)
    want = drawn()
    seed_update(5, 5)
    with draws_of(0, 1):
        assert drawn() == first
    assert drawn() == want
