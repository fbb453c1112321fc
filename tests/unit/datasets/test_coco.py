import json

import pytest

from mmmultas.datasets.coco import read_coco, scan_coco
from mmmultas.testing import ShapeFolder
from mmmultas.utils.errors import DataError


def test_boxes_by_name(tmp_path):
    kit = ShapeFolder(tmp_path, count=3)
    coco = read_coco(kit.write_coco())
    assert coco.classes == ('circle', 'square', 'triangle')
    assert [i.file_name for i in coco.images] == [
        f'{n}.png' for n in kit.names]
    assert coco.images[0].size == (64, 80)
    assert [b.bbox for b in coco.images[1].boxes] == [
        tuple(map(float, box)) for _, box in kit.boxes['im01']]
    assert [b.name for b in coco.images[1].boxes] == ['square', 'triangle']


def test_another_order_of_categories_changes_nothing(tmp_path):
    kit = ShapeFolder(tmp_path, count=2)
    plain = read_coco(kit.write_coco())
    names = [dict(id=3, name='triangle'), dict(id=1, name='circle'),
             dict(id=2, name='square')]
    other = read_coco(kit.write_coco('b.json', categories=names))
    assert other.images == plain.images
    assert other.classes == ('triangle', 'circle', 'square')


def _broken():
    image = dict(id=1, file_name='a.jpg', height=9, width=9)
    fine = dict(id=7, image_id=1, category_id=1, bbox=[0, 0, 3, 3])
    return dict(
        images=[image, dict(image), dict(id=2, file_name='../b.jpg'),
                dict(file_name='c.jpg'), 'd.jpg',
                dict(id=3, file_name='sub/e.jpg', height='x', width=9)],
        categories=[dict(id=1, name='cat'), dict(id=1, name='dog'),
                    dict(id=2)],
        annotations=[fine, dict(fine, image_id=99), dict(fine, category_id=5),
                     dict(fine, bbox=[0, 0, 3]),
                     dict(fine, bbox=[0, 0, float('nan'), 3]),
                     dict(fine, image_id=[1]), dict(fine, iscrowd=1)])


def test_everything_wrong_is_told(tmp_path):
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(_broken()))
    coco, problems = scan_coco(path)
    told = ' '.join(p.reason for p in problems)
    for words in ("'a.jpg' (id 1) twice", "'../b.jpg' outside",
                  'image without id', 'category id 1 twice',
                  'category without id or name', 'image_id that',
                  'category_id that', 'not four numbers'):
        assert words in told
    assert len(problems) == 11
    assert {p.file for p in problems} == {str(path)}
    assert [i.file_name for i in coco.images] == ['a.jpg', 'sub/e.jpg']
    assert coco.images[1].size is None
    assert [b.ignore for b in coco.images[0].boxes] == [False, True]
    with pytest.raises(DataError, match='10 more problems'):
        read_coco(path)


@pytest.mark.parametrize('text, words', [
    ('{', 'no usable json'),
    ('[' * 100000, 'no usable json'),
    ('[]', "no list 'images'"),
    ('{"images": [], "annotations": {}}', "no list 'annotations'"),
])
def test_no_coco_at_all(tmp_path, text, words):
    (tmp_path / 'x.json').write_text(text)
    with pytest.raises(DataError, match=f'x.json.*{words}'):
        scan_coco(tmp_path / 'x.json')
    with pytest.raises(DataError, match='Cannot read the boxes'):
        scan_coco(tmp_path / 'gone.json')
