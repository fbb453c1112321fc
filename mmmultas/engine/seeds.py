"""Randomness of an update, a function of (seed, update, rank) alone."""
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.dist import get_rank

__all__ = ['draws_of', 'seed_update']


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


@contextmanager
def draws_of(seed: int, update: int) -> Iterator[None]:
    """Draw what an update drew; then go on as if nobody had drawn."""
    python, numpy = random.getstate(), np.random.get_state()
    gpus = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(gpus):
            seed_update(seed, update)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
