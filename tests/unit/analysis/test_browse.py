import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from mmmultas.analysis import browse_streams, contact_sheet, shown_samples
from mmmultas.registry import DATASETS
from mmmultas.testing import ToyDataset, toy_config, toy_stream
from mmmultas.utils import ConfigError, DataError


class Resized:
    """Half-size inputs, labels in the size of the file."""
    metainfo = dict(tasks=('det', ), det=dict(classes=('cat', )))

    def __init__(self, path):
        self.path = path

    def full_init(self):
        pass

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return dict(
            inputs=torch.zeros(3, 5, 7, dtype=torch.uint8),
            data_samples=DetDataSample(metainfo=dict(
                img_path=self.path, img_shape=(5, 7), ori_shape=(10, 14),
                tasks=('det', ))))


def test_a_sheet_per_stream(tmp_path):
    paths = browse_streams(toy_config(tmp_path), tmp_path / 'new', number=5,
                           columns=3)
    assert [path.name for path in paths] == ['train_det.png',
                                             'train_seg.png']
    sheet = cv2.imread(str(paths[0]))
    assert sheet.shape[1] == 3 * 320 + 2 * 8
    assert sheet.shape[0] > 2 * 320
    palette = ToyDataset().metainfo['det']['palette']
    drawn = [(sheet[..., ::-1] == colour).all(-1).sum() for colour in palette]
    assert sum(drawn) > 1000  # boxes in their classes' colours


def test_shows_what_training_sees():
    cfg = toy_stream(8, ('det', ))

    def images(start):
        shown = shown_samples('train', 'det', dict(cfg), 3, start)
        return [next(shown)[1] for _ in range(4)]

    assert all(np.array_equal(*pair) for pair in zip(images(0), images(0)))
    assert np.array_equal(images(0)[2], images(1)[0])  # batches of two
    assert not np.array_equal(images(0)[0], images(1)[0])


def test_colours_are_rgb():
    shown = shown_samples('train', 'det', toy_stream(8, ('det', )))
    meta, image, sample = next(shown)
    boxes = sample.gt_instances.bboxes[sample.gt_instances.labels == 1]
    while not len(boxes):
        _, image, sample = next(shown)
        boxes = sample.gt_instances.bboxes[sample.gt_instances.labels == 1]
    x1, y1, x2, y2 = boxes[-1].int().tolist()
    assert meta['det']['classes'] == ('square', 'bar')
    # bars are (250, 250, 40) in BGR
    assert (image[y1:y2, x1:x2] == (40, 250, 250)).all(-1).any()


def test_evaluation_stops_at_the_end(tmp_path):
    [path] = browse_streams(toy_config(tmp_path), tmp_path, split='val',
                            number=99, columns=5)
    assert path.name == 'val_val.png'
    assert cv2.imread(str(path)).shape[0] < 2 * 320  # five pictures


def test_labels_of_evaluation_belong_to_the_file(tmp_path, monkeypatch):
    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, np.full((10, 14, 3), (1, 2, 3), np.uint8))
    monkeypatch.setitem(DATASETS.module_dict, 'Resized', Resized)
    cfg = dict(dataset=dict(type='mmmultas.Resized', path=path))
    [(_, image, _)] = shown_samples('val', 'both', cfg)
    assert image.shape == (10, 14, 3)
    assert (image == (3, 2, 1)).all()
    (tmp_path / 'a.png').write_text('no picture')
    with pytest.raises(DataError, match='a.png'):
        next(shown_samples('val', 'both', cfg))


@pytest.mark.parametrize('streams, names', [(['dte'], 'dte'), ([], 'at all')])
def test_unknown_stream(tmp_path, streams, names):
    with pytest.raises(ConfigError, match=f"{names}.*'det', 'seg'"):
        browse_streams(toy_config(tmp_path), tmp_path, streams=streams)


def test_stream_that_a_child_config_removed(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.train_dataloader.seg = None
    assert len(browse_streams(cfg, tmp_path, number=1)) == 1


def test_sheet_keeps_order_and_pads():
    pictures = [np.full((10, 10, 3), value, np.uint8) for value in range(3)]
    sheet = contact_sheet(pictures, columns=2)
    assert sheet.shape == (36, 28, 3)
    assert (sheet[:10, :10] == 0).all() and (sheet[:10, 18:] == 1).all()
    assert (sheet[18:28, :10] == 2).all() and (sheet[18:28, 10:] == 250).all()
    with pytest.raises(ValueError, match='one picture'):
        contact_sheet([])


def test_one_task_of_streams_that_have_it(tmp_path):
    cfg = toy_config(tmp_path)
    paths = browse_streams(cfg, tmp_path, number=2, task='seg')
    assert [path.name for path in paths] == ['train_seg.png']
    with pytest.raises(ConfigError, match="of 'depth'; their tasks are det, "
                       'seg'):
        browse_streams(cfg, tmp_path, number=2, task='depth')
