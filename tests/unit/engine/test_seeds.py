import random

import numpy as np
import torch

from mmmultas.engine.seeds import seed_update


def test_updates_are_seeded():
    draws = []
    for seed, update in ((0, 1), (0, 1), (0, 2), (1, 1)):
        seed_update(seed, update)
        draws.append((torch.rand(1).item(), random.random(),
                      np.random.rand()))
    assert draws[0] == draws[1] and len(set(draws)) == 3
    assert len(set(draws[0])) == 3
