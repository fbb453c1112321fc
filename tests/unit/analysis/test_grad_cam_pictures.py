import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmmultas.analysis.grad_cam import Explanation
from mmmultas.analysis.grad_cam_pictures import (CamFigure, draw_explanation,
                                                 write_cams)
from mmmultas.utils.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    for number, name in enumerate(('a.jpg', 'a.png', 'b.jpg')):
        pixels = np.random.default_rng(number).integers(
            0, 255, (60, 90, 3), np.uint8)
        cv2.imwrite(str(folder / name), pixels)
    return folder


@pytest.fixture
def models(save_toy):
    return [str(save_toy(('det', ), name='single.pth')),
            str(save_toy(name='multi.pth'))]


def test_a_row_per_task_and_a_column_per_model(pictures, models, tmp_path):
    out = tmp_path / 'new/out'
    written = write_cams([pictures], models, CamFigure('neck', side=90), out)
    assert [p.name for p in written] == ['a.png', 'a_2.png', 'b.png']
    image = cv2.imread(str(written[2]))
    # two captions and two gaps; of pixels only the second model knows
    assert image.shape == (2 * (60 + 24 + 8), 3 * 90 + 2 * 8, 3)
    # the last panel of the second row is empty
    assert (image[92:, 2 * 98:] == 250).all()
    assert not (image[:84, 2 * 98:] == 250).all()


def test_one_task_and_one_class(pictures, models, tmp_path):
    image, = write_cams(
        pictures / 'b.jpg', models,
        CamFigure('neck', tasks=('det', ), name='bar', side=90), tmp_path,
        ['one', 'two'])
    assert cv2.imread(str(image)).shape[:2] == (92, 286)
    # no box is background: the row of boxes is left out
    image, = write_cams(
        pictures / 'b.jpg', models,
        CamFigure('neck', name='background', side=90), tmp_path)
    assert cv2.imread(str(image)).shape[:2] == (92, 188)


def test_panels():
    picture = np.full((40, 60, 3), 90, np.uint8)
    figure = CamFigure('neck', side=120)
    heat = np.zeros((40, 60), np.float32)
    heat[:, 30:] = 1
    found = Explanation(heat, 0, 0.75, np.array([10., 10, 50, 30]))
    drawn = draw_explanation(picture, found, 'cat', 'model', figure)
    assert drawn.shape == (80 + 24, 120, 3)
    panel = drawn[24:].astype(int)
    assert panel[70, 110, 0] > panel[70, 110, 2]  # hot
    assert panel[70, 5, 0] < panel[70, 5, 2]
    assert (panel[20, 30:90] == 255).all()  # the box
    nothing = draw_explanation(picture, Explanation(None), 'cat', 'model',
                               figure)
    assert (nothing[24:] == 90).all()
    region = Explanation(heat, 0, 1.0, None, heat > 0)
    outlined = draw_explanation(picture, region, 'cat', 'model', figure)
    assert (outlined[24:][40, 58:62] == 255).any()


def test_messages(pictures, models, tmp_path):
    def refused(words, error=ConfigError, images=pictures, titles=None,
                **figure):
        with pytest.raises(error, match=words):
            write_cams(images, models, CamFigure(**{
                'layer': 'neck', **figure}), tmp_path / 'o', titles)

    refused("no layer 'nek'", layer='nek')
    refused('1 titles for 2 checkpoints', titles=['a'])
    refused('no box 0', rank=0)
    refused("head for 'depth'", tasks=('depth', ))
    refused("class 'cat': there are background, bar, square", name='cat')
    refused('nowhere does not exist', DataError, tmp_path / 'nowhere')
    assert not (tmp_path / 'o').exists()
