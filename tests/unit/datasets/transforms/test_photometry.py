import random

import cv2
import numpy as np
import pytest

from mmmultas.datasets.transforms.photometry import (PhotometricJitter,
                                                     hue_saturation_lut,
                                                     value_lut)


@pytest.fixture
def img():
    return np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)


def cut(value):
    return int(min(max(value, 0), 255))


@pytest.mark.parametrize('shift, gain', [(-31.5, .5), (20.2, 1.5), (0, 1.1)])
def test_value_lut_against_a_loop(shift, gain):
    table = value_lut(shift, gain)
    for level in range(256):
        assert abs(int(table[level]) - cut(cut(level + shift) * gain)) <= 1
    assert table[255] == cut(cut(255 + shift) * gain)


def test_hue_saturation_lut_against_a_loop():
    table = hue_saturation_lut(-18, 1.5)
    for level in range(180):
        assert table[level, 0].tolist() == [
            (level - 18) % 180,
            cut(level * 1.5), level
        ]


def test_nothing_happens_at_probability_zero(img):
    assert (PhotometricJitter(prob=0)({'img': img})['img'] == img).all()


def test_order_is_brightness_contrast_hue_saturation(img):
    random.seed(3)
    out = PhotometricJitter(prob=1)({'img': img.copy()})['img']
    random.seed(3)
    random.random()
    shift = random.uniform(-32, 32)
    random.random()
    gain = random.uniform(.5, 1.5)
    random.random()
    turn = random.randint(-18, 18)
    random.random()
    colour = random.uniform(.5, 1.5)
    expected = np.clip(img + np.float32(shift), 0, 255).astype(np.uint8)
    expected = np.clip(expected * np.float32(gain), 0, 255).astype(np.uint8)
    hsv = cv2.cvtColor(expected, cv2.COLOR_BGR2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + turn) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * np.float32(colour), 0, 255)
    expected = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)
    assert (out == expected).all() and (out != img).any()


def test_half_of_each(img):
    random.seed(0)
    jitter = PhotometricJitter()
    same = sum((jitter({'img': img})['img'] == img).all() for _ in range(400))
    assert 10 < same < 45  # 1/16 of 400 are left alone
