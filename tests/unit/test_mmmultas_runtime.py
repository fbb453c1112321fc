"""The file that runs without PyTorch: numbers, and nothing else imported."""
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import nms

import mmmultas_runtime as runtime
from mmmultas.apis.export.graphs import resize_picture

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('align', [False, True])
@pytest.mark.parametrize('size', [(5, 9), (20, 7), (12, 13)])
def test_resize_is_pytorchs(align, size):
    maps = np.random.default_rng(0).normal(size=(12, 13, 3)).astype('f4')
    want = F.interpolate(
        torch.from_numpy(maps).permute(2, 0, 1)[None], size,
        mode='bilinear', align_corners=align)[0].permute(1, 2, 0)
    np.testing.assert_allclose(runtime.resize(maps, size, align), want,
                               atol=1e-5)


@pytest.mark.parametrize('shape, size', [
    ((97, 50), (64, 64)), ((40, 100), (64, 64)), ((75, 90), (32, 48)),
    ((10, 12), (64, 30)), ((64, 64), (32, 32))])
def test_pictures_are_resized_as_by_opencv(shape, size):
    image = np.random.default_rng(0).integers(
        0, 256, (*shape, 3), dtype=np.uint8)
    want = cv2.resize(image, size[::-1])
    assert (runtime.resize_picture(image, size) == want).all()
    for turned in (False, True):
        found = resize_picture(torch.from_numpy(image), size, turned)
        assert (found.view(*size, 3).numpy()
                == (want[..., ::-1] if turned else want)).all()


def test_suppression_is_mmcvs():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (60, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 30, (60, 2))],
                           1).astype('f4')
    scores = np.sort(rng.uniform(size=60))[::-1].astype('f4').copy()
    _, want = nms(torch.from_numpy(boxes), torch.from_numpy(scores), .4)
    assert runtime.suppress(boxes, .4).tolist() == want.tolist()


def test_pictures(tmp_path):
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    cv2.imwrite(str(tmp_path / 'ü.png'), image)
    assert (runtime.read(tmp_path / 'ü.png') == image).all()
    assert (runtime._read_pillow(tmp_path / 'ü.png') == image).all()
    (tmp_path / 'broken.png').write_bytes(b'')
    with pytest.raises(runtime.RuntimeFileError, match='cannot be decoded'):
        runtime.read(tmp_path / 'broken.png')
    with pytest.raises(runtime.RuntimeFileError, match='uint8 array'):
        runtime.check_picture(np.zeros((4, 5), np.uint8))
    with pytest.raises(runtime.RuntimeFileError, match='not empty'):
        runtime.check_picture(np.zeros((0, 5, 3), np.uint8))
    deep = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
    cv2.imwrite(str(tmp_path / 'deep.png'), deep)
    assert (runtime._read_pillow(tmp_path / 'deep.png') ==
            runtime.read(tmp_path / 'deep.png')).all()


def test_boxes_for_supervision(monkeypatch):
    """As supervision.Detections takes them (tried with its own class)."""
    taken = {}
    module = type(sys)('supervision')
    module.Detections = lambda **kwargs: taken.update(kwargs)
    monkeypatch.setitem(sys.modules, 'supervision', module)
    boxes = dict(bboxes=np.ones((2, 4)), scores=np.ones(2),
                 labels=np.zeros(2, int), names=['a', 'b'])
    runtime.to_detections(dict(boxes=dict(cars=boxes)), 'cars')
    assert set(taken) == {'xyxy', 'confidence', 'class_id', 'data'}
    assert taken['data']['class_name'].tolist() == ['a', 'b']


def test_frames_of_a_video(tmp_path):
    path = tmp_path / 'a.avi'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 5,
                            (32, 16))
    for grey in (0, 100, 200):
        video.write(np.full((16, 32, 3), grey, np.uint8))
    video.release()
    found = list(runtime._frames(path))
    assert [number for _, number, _ in found] == [0, 1, 2]
    assert found[2][2].shape == (16, 32, 3) and found[2][2].mean() > 150


def test_it_imports_nothing_of_ours():
    done = subprocess.run(
        [sys.executable, '-c', 'import sys, mmmultas_runtime; '
         'print(sorted(n for n in sys.modules if n.split(".")[0] in '
         '("torch", "mmmultas", "mmengine", "mmcv", "mmdet", "mmseg")))'],
        cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
