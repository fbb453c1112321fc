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
                  'category without id or name',
                  '2 annotations of an image_id that it does not list, for '
                  'example 99; ids of its images are such as 1',
                  '1 annotations of an category_id', 'not four numbers'):
        assert words in told, told
    assert len(problems) == 10
    assert {p.file for p in problems} == {str(path)}
    assert [i.file_name for i in coco.images] == ['a.jpg', 'sub/e.jpg']
    assert coco.images[1].size is None
    assert [b.ignore for b in coco.images[0].boxes] == [False, True]
    with pytest.raises(DataError, match='9 more problems'):
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


def test_ids_in_two_forms_are_named_once(tmp_path):
    kit = ShapeFolder(tmp_path, count=3)
    images = [dict(id=f'{i:04}', file_name=f'{n}.png')
              for i, n in enumerate(kit.names)]
    coco, [problem] = scan_coco(kit.write_coco(images=images))
    assert not any(i.boxes for i in coco.images)
    assert '6 annotations' in problem.reason and "'0000'" in problem.reason
    assert problem.mend == 'write the ids of images and annotations alike'


def test_boxes_of_another_form_are_a_warning(tmp_path):
    kit = ShapeFolder(tmp_path, count=4)
    corners = [dict(id=n, image_id=i, category_id=1, bbox=[b + 30 for b in
                                                           box])
               for i, name in enumerate(kit.names)
               for n, (_, box) in enumerate(kit.boxes[name])]
    content = dict(images=[dict(id=i, file_name=f'{n}.png', height=99,
                                width=115) for i, n in enumerate(kit.names)],
                   annotations=corners)
    path = kit.write_coco(**content)
    [problem] = scan_coco(path)[1]
    assert 'look like x1, y1, x2, y2' in problem.reason
    assert problem.severity == 'warning' and problem.kind == 'units'
    assert len(read_coco(path).images) == 4  # training decides for itself


def test_a_box_around_polygons_where_there_is_none(tmp_path):
    kit = ShapeFolder(tmp_path, 1)
    shape = [[1, 2, 9, 3, 5, 20], [4, 4, 6, 1]]
    entry = dict(id=1, image_id=0, category_id=1, segmentation=shape)
    coco = read_coco(kit.write_coco(annotations=[entry]))
    assert coco.images[0].boxes[0].bbox == (1, 1, 9, 20)
    for odd in ([[1, 2, 'x', 3]], [[1]], {}, None):
        entry['segmentation'] = odd
        [problem] = scan_coco(kit.write_coco(annotations=[entry]))[1]
        assert 'not four numbers: None' in problem.reason


def test_names_that_lead_out_of_the_folder(tmp_path):
    kit = ShapeFolder(tmp_path, 2)
    images = [dict(id=i, file_name=n) for i, n in enumerate(
        ('/home/x/a.png', '../b.png'))]
    path = kit.write_coco(images=images)
    coco, problems = scan_coco(path)
    assert not coco.images and len(problems) == 3
    coco, problems = scan_coco(path, anywhere=True)
    assert [i.file_name for i in coco.images] == ['a.png', 'b.png']
    assert not problems


def test_turned_boxes_are_said(tmp_path):
    """CVAT's json has the box before it was turned, and by how much."""
    kit = ShapeFolder(tmp_path, 1)
    content = json.loads(kit.write_coco().read_text())
    for degrees, said in ((0.0, 0), (30.0, 1)):
        content['annotations'][0]['attributes'] = dict(rotation=degrees)
        found = scan_coco(kit.write_coco(**content))[1]
        assert ['1 boxes with a `rotation`' in p.reason
                for p in found] == [True] * said
