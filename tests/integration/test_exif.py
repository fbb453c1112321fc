"""A photograph with an EXIF tag looks the same at every door."""
import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from mmdet.structures import DetDataSample

from mmmultas.analysis.browse import shown_samples
from mmmultas.apis.image_sources import Source
from mmmultas.datasets.transforms import LoadImage
from mmmultas.engine.hooks import PictureHook
from mmmultas.registry import DATASETS
from mmmultas.report.judged import TruthImage
from mmmultas.report.pictures import read_picture


class OnePhotograph:
    """A data set of one file, its input smaller than the file."""
    metainfo = dict(tasks=('det', ), det=dict(classes=('cat', )))

    def __init__(self, path, exif):
        self.path, self.exif = path, exif

    def __len__(self):
        return 1

    def __getitem__(self, index):
        shape = LoadImage(self.exif)(dict(img_path=self.path))['ori_shape']
        return dict(
            inputs=torch.zeros(3, 8, 8, dtype=torch.uint8),
            data_samples=DetDataSample(metainfo=dict(
                img_path=self.path, img_shape=(8, 8), ori_shape=shape,
                exif=self.exif, tasks=('det', ))))


@pytest.fixture(params=[3, 6])
def photograph(request, tmp_path):
    """Red at the top left as stored: the path, and where red is upright."""
    picture = np.zeros((40, 64, 3), np.uint8)
    picture[:20, :32] = 255, 0, 0
    exif = Image.Exif()
    exif[0x0112] = request.param
    path = tmp_path / 'x.jpg'
    Image.fromarray(picture).save(path, exif=exif, quality=95)
    return str(path), {3: (-4, -4), 6: (4, -4)}[request.param]


def seen_by_training(path, exif):
    return LoadImage(exif)(dict(img_path=path))['img'][..., ::-1]


def seen_by_browse(path, exif):
    DATASETS.register_module(
        name='OnePhotograph', module=OnePhotograph, force=True)
    cfg = dict(dataset=dict(
        type='mmmultas.OnePhotograph', path=path, exif=exif))
    [(_, picture, _)] = shown_samples('val', 'x', cfg)
    return picture


def seen_by_report(path, exif):
    meta = dict(img_path=path, exif=exif)
    return read_picture(TruthImage(meta, None, None, None, None))


def seen_by_show_dir(path, exif, tmp_path):
    hook = PictureHook(str(tmp_path / 'show'))
    data = type('D', (), dict(metainfo=OnePhotograph.metainfo))()
    loader = type('L', (), dict(dataset=data))()
    runner = type('R', (), dict(test_dataloader=loader))()
    hook.before_test_epoch(runner)
    drawn = {}
    hook._visualizer = type('V', (), dict(
        add_datasample=lambda _, name, image, *a, **k: drawn.update(x=image)
    ))()
    hook.after_test_iter(runner, 0, outputs=[
        DetDataSample(metainfo=dict(img_path=path, exif=exif))])
    return drawn['x']


def seen_by_predict(path, exif):
    from mmmultas.apis.inferencer import MultiTaskInferencer
    reader = MultiTaskInferencer.__new__(MultiTaskInferencer)
    reader._load, reader.skip_broken = LoadImage(exif), False
    [source] = reader.read([Source(path)])
    return source.image[..., ::-1]


def test_all_doors_turn_it_alike(photograph, tmp_path):
    path, corner = photograph
    for exif in (True, False):
        pictures = [
            seen_by_training(path, exif), seen_by_browse(path, exif),
            seen_by_report(path, exif), seen_by_predict(path, exif),
            seen_by_show_dir(path, exif, tmp_path)
        ]
        red = corner if exif else (4, 4)
        for picture in pictures:
            assert picture[red][0] > 200 and picture[red][2] < 60
            assert np.array_equal(picture, pictures[0])
    assert cv2.imread(path)[corner][2] > 200  # as MMDetection reads it
