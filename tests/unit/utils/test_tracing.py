import torch

from mmmultas.utils.tracing import is_compiling


def test_traced_networks_have_plain_operators():
    assert not is_compiling()
    seen = []

    def function(x):
        seen.append(is_compiling())
        return x + 1

    torch.jit.trace(function, torch.ones(1), check_trace=False)
    assert seen == [True]
