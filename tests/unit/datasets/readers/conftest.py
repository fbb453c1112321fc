import pytest

from mmmultas.datasets.mask_runs import RunCache
from mmmultas.registry import READERS


@pytest.fixture
def read():
    """Read a source of a kind for an image of (height, width)."""

    def run(kind, source, shape=(4, 6), **results):
        reader = READERS.get(kind)(RunCache(2**20))
        source = {k: str(v) if k == 'path' else v for k, v in source.items()}
        return reader.read(source, dict(ori_shape=shape, **results))

    return run
