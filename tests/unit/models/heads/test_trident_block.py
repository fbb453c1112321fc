import torch

from mmmultas.models.heads.trident_block import TridentUnit


def test_one_map_is_looked_at_once():
    torch.manual_seed(0)
    unit = TridentUnit(6, 4, (1, 2, 3)).train()
    x = torch.randn(2, 6, 7, 9)
    calls = []
    unit.conv1.register_forward_hook(lambda *a: calls.append(len(a[1][0])))
    once = unit(x, same=True)
    thrice = unit(x.repeat(3, 1, 1, 1))
    torch.testing.assert_close(once, thrice)
    assert calls == [2, 6] and once.shape == (6, 6, 7, 9)


def test_branches_share_weights_and_differ_by_dilation():
    unit = TridentUnit(6, 4, (1, 3)).eval()
    x = torch.zeros(1, 6, 11, 11)
    before = unit(x, same=True)
    x[..., 5, 5] = 5
    moved = (unit(x, same=True) != before).any(1)
    reach = [sorted(set(part.nonzero()[:, 1].tolist()))
             for part in moved.unsqueeze(1)]
    assert reach == [[4, 5, 6], [2, 5, 8]]
