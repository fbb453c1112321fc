"""Every test starts from the same seeds, on one thread of the CPU."""
import os

# Before torch is imported, by this file or by a worker.
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
os.environ.setdefault('OMP_NUM_THREADS', '1')

import random  # noqa: E402
import signal  # noqa: E402

import mmmultas  # noqa: E402, F401, isort: skip, before MMDetection
import mmengine  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from mmmultas.utils.operators import are_compiled  # noqa: E402


#: Marker, and option that runs the tests which carry it.
MARKERS = dict(
    slow='run the tests of minutes too',
    fresh='run the tests too that make environments or need more packages')


def pytest_addoption(parser):
    for marker, meaning in MARKERS.items():
        parser.addoption(f'--{marker}', action='store_true', help=meaning)


def pytest_configure():
    # A shell's background job ignores Ctrl-C, and so would all that it starts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    for marker in MARKERS:
        chosen = [item for item in items if marker in item.keywords]
        if chosen and not config.getoption(f'--{marker}'):
            config.hook.pytest_deselected(items=chosen)
            items[:] = [item for item in items if item not in chosen]
    if not are_compiled():
        skip = pytest.mark.skip(reason='needs `make operators`')
        for item in items:
            if 'operators' in item.keywords:
                item.add_marker(skip)


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs():
    """Spare every runner yapf, which takes seconds over a toy's config."""

    def as_it_is(text, *_, **__):
        return text, False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', as_it_is)
        if hasattr(mmengine.config.config, 'FormatCode'):
            patch.setattr('mmengine.config.config.FormatCode', as_it_is)
        yield


@pytest.fixture(autouse=True)
def seeds():
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
