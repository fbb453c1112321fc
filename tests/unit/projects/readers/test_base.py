import pytest
from PIL import Image

from mmmultas.projects.readers import (FORMATS, open_labels, readable,
                                       what_lies_there)
from mmmultas.projects.readers.base import (files_below, image_size,
                                            load_json, near, number)
from mmmultas.testing import ShapeFolder
from mmmultas.testing.label_files import (write_cvat, write_labelme,
                                          write_panoptic, write_yolo)
from mmmultas.utils.errors import DataError


def test_every_form_is_known_by_its_looks(tmp_path):
    kit = ShapeFolder(tmp_path, 2)
    written = {
        'COCO json': kit.write_coco(), 'VOC XML': kit.write_xml(),
        'YOLO txt': write_yolo(kit), 'LabelMe json': write_labelme(kit),
        'CVAT XML': write_cvat(kit), 'panoptic PNG + json':
        write_panoptic(kit)}
    assert {f.name for f in FORMATS} == set(written)
    for form, path in written.items():
        opened = open_labels(str(path), 'det')
        assert opened.form == form and len(opened.names) == 2
    assert open_labels(str(kit.write_masks()), 'det') is None
    assert open_labels(str(kit.write_xml()), 'seg') is None
    for form in FORMATS:
        assert form.name in readable('det')
    assert 'PNG masks' in readable('seg') and 'VOC' not in readable('seg')
    assert 'folder of' in what_lies_there(str(tmp_path))


def test_sizes_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / 'a.jpg'
    Image.new('RGB', (60, 40)).save(path, exif=exif)
    cache = {}
    assert image_size(str(path), cache) == (60, 40) and cache
    path.unlink()
    assert image_size(str(path), cache) == (60, 40)
    path.write_bytes(b'x')
    with pytest.raises(DataError, match='no image'):
        image_size(str(path))


def test_small_helpers(tmp_path):
    for name in ('b.txt', 'a/c.txt', '.d.txt', 'e.json'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"a": 1}')
    assert [p.name for p in files_below(tmp_path, '.txt')] == ['c.txt',
                                                               'b.txt']
    assert load_json(tmp_path / 'e.json') == dict(a=1)
    (tmp_path / 'e.json').write_text('{')
    assert load_json(tmp_path / 'e.json') is None
    assert near(tmp_path / 'x/e.json')[0] == tmp_path / 'x/images'
    assert number(dict(a=3.0), 'a') == 3 and number(dict(a='x'), 'a') is None
