import pytest
import torch

from mmmultas.utils import precision
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import (autocast_dtype, check_amp,
                                      full_precision, in_full,
                                      mixed_precision)


def test_what_autocast_says():
    assert autocast_dtype('cpu') is None
    with torch.autocast('cpu', torch.bfloat16):
        assert autocast_dtype('cpu') == torch.bfloat16
        assert autocast_dtype('cuda') is None
        with full_precision():
            assert autocast_dtype('cpu') is None
        assert autocast_dtype('cpu') == torch.bfloat16


@pytest.mark.parametrize('on, dtype', [(True, torch.bfloat16),
                                       (False, torch.float32)])
def test_mixed_precision(on, dtype):
    conv = torch.nn.Conv2d(1, 1, 1)
    with mixed_precision(conv, on):
        assert conv(torch.ones(1, 1, 1, 1)).dtype == dtype


def test_in_full():
    low = torch.ones(2, dtype=torch.bfloat16)
    whole = torch.ones(2, dtype=torch.int64)
    given = (low, [low, whole], dict(a=low), 'text')
    made = in_full(given)
    assert isinstance(made, tuple) and made[3] == 'text'
    assert made[0].dtype == made[1][0].dtype == made[2]['a'].dtype
    assert made[0].dtype == torch.float32 and made[1][1] is whole


@pytest.mark.parametrize('gpu, bf16, fine', [
    (True, False, True), (False, True, True), (False, False, False)])
def test_amp_where_it_would_be_slower(monkeypatch, gpu, bf16, fine):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    monkeypatch.setattr(precision, 'has_bf16', lambda: bf16)
    if fine:
        check_amp()
        return
    with pytest.raises(ConfigError, match='--amp would take longer'):
        check_amp()
