import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmmultas.datasets.box_masks import grab_cut, write_box_masks
from mmmultas.datasets.decode import decode_image
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import ConfigError, DataError

CLASSES = dict(det=SHAPES, seg=('background', *SHAPES))


@pytest.fixture
def kit(tmp_path):
    init_default_scope('mmdet')
    return ShapeFolder(tmp_path / 'data', count=2)


def _config(kit, seg_classes=CLASSES['seg']):
    def stream(task, classes, **labels):
        return dict(dataset=dict(
            type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
            tasks=(task, ), classes={task: classes}, pipeline=[], **labels))

    return dict(train_dataloader=dict(
        det=stream('det', SHAPES, boxes=str(kit.write_coco())),
        seg=stream('seg', seg_classes, masks=str(kit.write_masks()))))


def test_objects_are_cut_out_of_their_boxes(kit, tmp_path):
    out = tmp_path / 'out'
    found = write_box_masks(_config(kit), out, 'det', 1)
    assert (found.written, found.kept, found.unknown) == (2, 0, ())
    for name, truth in kit.masks.items():
        mask = np.asarray(Image.open(out / f'{name}.png'))
        known = mask != 255
        union = ((mask > 0) | (truth > 0)) & known
        assert ((mask == truth) & union).sum() / union.sum() > .9
        outside = np.ones_like(known)
        for _, (x1, y1, x2, y2) in kit.boxes[name]:
            outside[y1:y2, x1:x2] = False
        assert (mask[outside] == 0).all()
    # a second call goes on with what is missing
    (out / 'im01.png').write_bytes(b'half')
    found = write_box_masks(_config(kit), out, 'det', 1)
    assert (found.written, found.kept) == (1, 1)


def test_streams_and_classes_that_do_not_meet(kit, tmp_path):
    cfg = _config(kit, ('x', 'a', 'b', 'c'))
    with pytest.raises(ConfigError, match='share no class name'):
        write_box_masks(cfg, tmp_path / 'out', 'det')
    with pytest.raises(ConfigError, match="no stream 'boxes'"):
        write_box_masks(cfg, tmp_path / 'out', 'boxes')
    with pytest.raises(ConfigError, match="no label of the kind 'boxes'"):
        write_box_masks(cfg, tmp_path / 'out', 'seg')
    assert not (tmp_path / 'out').exists()


def test_pictures_are_turned_as_in_training(kit, tmp_path, monkeypatch):
    turned = []
    monkeypatch.setattr(
        'mmmultas.datasets.box_masks.decode_image',
        lambda data, path, exif: turned.append(exif) or decode_image(
            data, path, exif))
    cfg = _config(kit)
    for exif in (False, True):
        cfg['train_dataloader']['det']['dataset']['pipeline'] = [
            dict(type='mmmultas.LoadImage', exif=exif)]
        write_box_masks(cfg, tmp_path / f'{exif}', 'det', 1)
    assert turned == [False, False, True, True]


def test_other_settings_are_refused(kit, tmp_path):
    write_box_masks(_config(kit), tmp_path / 'out', 'det', 1)
    with pytest.raises(DataError, match='made from other images, classes'):
        write_box_masks(_config(kit), tmp_path / 'out', 'det', 2)


def test_what_cannot_be_told_is_ignored():
    image = np.full((40, 40, 3), 90, np.uint8)
    image[10:30, 10:30] = 250
    boxes = [[8, 8, 32, 32], [33, 33, 38, 38], [0, 30, 9, 39], [0, 0, 5, 5]]
    mask = grab_cut(image, boxes, [2, 1, 1, -1], [False, False, True, False],
                    2)
    assert (mask[12:28, 12:28] == 2).all()
    assert (mask[33:38, 33:38] == 255).all()  # of a few pixels
    assert (mask[30:39, 0:9] == 255).all()  # a crowd
    assert (mask[:5, :5] == 0).all()  # a class that masks do not know
    assert (grab_cut(image, [], [], [], 1) == 0).all()
