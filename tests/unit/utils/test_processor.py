import pytest
import torch

from mmmultas.utils import processor


@pytest.mark.parametrize('line, has', [
    ('flags\t\t: fpu avx512f avx512_bf16 fsrm', True),
    ('flags\t\t: fpu amx_bf16 amx_tile', True),
    ('flags\t\t: fpu avx2 avx512f', False),
    ('Features\t: fp asimd i8mm bf16', True),
    ('no such line', False),
])
def test_flags(tmp_path, monkeypatch, line, has):
    info = tmp_path / 'cpuinfo'
    info.write_text(f'processor : 0\n{line}\nbugs : bf16\n')
    monkeypatch.setattr(processor, '_INFO', info)
    assert processor.has_bf16.__wrapped__() is has


def test_without_such_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, '_INFO', tmp_path / 'none')
    for answer in (True, False):
        monkeypatch.setattr(torch.cpu, '_is_avx512_bf16_supported',
                            lambda a=answer: a, raising=False)
        assert processor.has_bf16.__wrapped__() is answer
