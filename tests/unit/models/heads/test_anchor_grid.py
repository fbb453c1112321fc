import torch

from mmmultas.models.heads import AnchorGrid

CPU = torch.device('cpu')


def test_count_at_320():
    grid = AnchorGrid()
    sizes = [torch.Size((320 // s, 320 // s)) for s in grid.strides]
    assert grid.grid(sizes, CPU).shape == (12_750, 4)


def test_size_in_pixels_does_not_follow_the_input():
    grid = AnchorGrid(strides=[8, 16])
    for side in (256, 320):
        sizes = [torch.Size((side // s, side // s)) for s in grid.strides]
        anchors = grid.grid(sizes, CPU)
        first = anchors[:6 * (side // 8)**2]
        assert torch.allclose((first[::6, 2:] - first[::6, :2]),
                              torch.tensor(24.))


def test_cache_returns_the_same_and_is_bounded():
    grid = AnchorGrid(strides=[8])
    assert grid.grid([(2, 2)], CPU) is grid.grid([(2, 2)], CPU)
    for side in range(1, 40):
        grid.grid([(side, side)], CPU)
    assert len(grid._cache) <= 17
