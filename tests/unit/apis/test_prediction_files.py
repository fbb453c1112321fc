import json

import cv2
import numpy as np
import pytest
from PIL import Image

import mmmultas.testing  # noqa: F401
from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.prediction_files import predict_to_files, write_index_mask
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ('a.png', 'a.bmp', 'b.png'):
        image = cv2.resize(
            rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), (100, 40))
        cv2.imwrite(str(folder / name), image)
    return folder


def test_files_say_what_was_found(save_toy, pictures, tmp_path):
    inferencer = MultiTaskInferencer(save_toy(), batch_size=2, score_thr=.2)
    out = tmp_path / 'new/out'
    written = predict_to_files(inferencer, pictures, out)
    assert {p.name for p in written} == {'overlays', 'masks',
                                         'predictions.json'}
    content = json.loads((out / 'predictions.json').read_text())
    assert content['classes'] == ['square', 'bar']
    entries = content['images']
    assert [e['mask'] for e in entries] == [
        'masks/a.png', 'masks/a_2.png', 'masks/b.png']
    for entry, found in zip(entries, inferencer(pictures), strict=True):
        assert entry['img_path'] == found['path']
        assert (entry['height'], entry['width']) == (40, 100)
        mask = Image.open(out / entry['mask'])
        assert mask.mode == 'P'
        assert np.array_equal(np.array(mask), found['seg_map'])
        assert mask.getpalette()[3:6] == [220, 20, 60]
        boxes = entry['detections']
        assert len(boxes) == len(found['scores']) > 0
        assert boxes[0]['name'] == found['names'][0]
        assert boxes[0]['score'] == pytest.approx(found['scores'][0],
                                                  abs=1e-5)
        np.testing.assert_allclose(boxes[0]['bbox'], found['bboxes'][0],
                                   atol=.01)
    drawn = cv2.imread(str(out / 'overlays/a_2.jpg'))
    assert drawn.shape[1] == 480 and drawn.std() > 0


def test_a_segmenter_writes_no_boxes(save_toy, pictures, tmp_path):
    inferencer = MultiTaskInferencer(save_toy(('seg', )))
    written = predict_to_files(inferencer, pictures / 'b.png', tmp_path / 'o')
    assert {p.name for p in written} == {'overlays', 'masks'}


def test_a_detector_writes_no_masks(save_toy, pictures, tmp_path):
    inferencer = MultiTaskInferencer(save_toy(('det', )))
    predict_to_files(inferencer, pictures / 'b.png', tmp_path / 'o')
    assert not (tmp_path / 'o/masks').exists()
    [entry] = json.loads(
        (tmp_path / 'o/predictions.json').read_text())['images']
    assert 'mask' not in entry


def _film(path, size=(48, 32)):
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, size)
    for value in (0, 100, 200):
        writer.write(np.full((*size[::-1], 3), value, np.uint8))
    writer.release()
    return path


def test_a_video_becomes_a_video_and_lines(save_toy, tmp_path):
    inferencer = MultiTaskInferencer(save_toy(), batch_size=2, score_thr=.1)
    source = _film(tmp_path / 'clip.mp4')
    film, lines = predict_to_files(inferencer, source, tmp_path / 'out')
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row['frame'] for row in rows] == [0, 1, 2]
    assert all(sum(row['pixels'].values()) == 48 * 32 for row in rows)
    assert set(rows[0]['detections'][0]) == {'label', 'name', 'score', 'bbox'}
    reader = cv2.VideoCapture(str(film))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert reader.get(cv2.CAP_PROP_FPS) == 10
    good, frame = reader.read()
    assert good and frame.shape == (32, 48, 3)
    with pytest.raises(ConfigError, match='overwritten'):
        predict_to_files(inferencer, source, tmp_path)


def test_masks_of_too_many_classes(tmp_path):
    with pytest.raises(ConfigError, match='255'):
        write_index_mask(tmp_path / 'a.png', np.array([[300]]))


def test_a_place_that_cannot_be_written(save_toy, pictures, tmp_path):
    (tmp_path / 'file').write_text('')
    inferencer = MultiTaskInferencer(save_toy())
    with pytest.raises(ConfigError, match='--out-dir'):
        predict_to_files(inferencer, pictures, tmp_path / 'file/out')
