"""Randomness of an update, a function of (seed, update, rank) alone."""
import hashlib
import random

import numpy as np
import torch
from mmengine.dist import get_rank

__all__ = ['seed_update']


def seed_update(seed: int, update: int) -> None:
    """Seed torch, NumPy and Python for one update or one validation.

    Dropout, and whatever a head draws by NumPy or Python, is then the same
    on resume. A function of (seed, update, rank) alone (DESIGN 1).
    """
    digest = hashlib.blake2b(
        repr((seed, update, get_rank())).encode(), digest_size=8).digest()
    number = int.from_bytes(digest, 'little')
    torch.manual_seed(number >> 1)
    random.seed(number)
    np.random.seed([number & 0xffffffff, number >> 32, 2])
