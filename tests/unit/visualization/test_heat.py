import numpy as np

from mmmultas.visualization.heat import blend_heat, outline_region


def test_hot_is_red_and_cold_is_blue():
    picture = np.full((4, 6, 3), 120, np.uint8)
    heat = np.zeros((4, 6))
    heat[:, 3:] = 0.9
    drawn = blend_heat(picture, heat).astype(int)
    assert drawn.shape == picture.shape and (picture == 120).all()
    assert (drawn[:, 3:, 0] > drawn[:, 3:, 2] + 40).all()
    assert (drawn[:, :3, 2] > drawn[:, :3, 0]).all()
    assert (blend_heat(picture, heat, alpha=0) == 120).all()


def test_the_border_of_a_region():
    picture = np.zeros((20, 20, 3), np.uint8)
    region = np.zeros((20, 20), bool)
    region[5:15, 5:15] = True
    drawn = outline_region(picture, region, (9, 8, 7))
    assert drawn[5, 10].tolist() == [9, 8, 7]
    assert not drawn[10, 10].any() and not drawn[1, 1].any()
    assert not picture.any()
