import pytest

from mmmultas.datasets.box_files import BoxFile, class_hint
from mmmultas.datasets.label_map import LabelSpace
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import DataError


@pytest.fixture
def kit(tmp_path):
    return ShapeFolder(tmp_path / 'own', 3)


def test_a_json_and_xmls_say_the_same(kit):
    space, problems = LabelSpace.build(SHAPES), []
    json = BoxFile('det', str(kit.write_coco()), space)
    xml = BoxFile('det', str(kit.write_xml()), space)
    ours, theirs = json.scan(problems), xml.scan(problems)
    assert list(ours) == list(theirs) == kit.names and not problems
    for name in kit.names:
        for (boxes, size), end in ((json.read(ours[name]), 0),
                                   (xml.read(theirs[name]), 1)):
            assert size == kit.size
            assert [(b['bbox_label'], *b['bbox']) for b in boxes] == [
                (label, x1, y1, x2 - end, y2 - end)  # VOC's last pixel
                for label, (x1, y1, x2, y2) in kit.boxes[name]]


def test_difficult_ones_are_learnt_or_passed_over(kit):
    kit.one_xml('im00', [('circle', (1, 1, 9, 9))])
    text = (kit.root / 'xml/im00.xml').read_text()
    (kit.root / 'xml/im00.xml').write_text(text.replace(
        '<name>', '<difficult>1</difficult><name>'))
    for skip in (True, False):
        file = BoxFile('det', str(kit.root / 'xml'),
                       LabelSpace.build(SHAPES), skip_difficult=skip)
        [box], _ = file.read(file.scan([])['im00'])
        assert box['ignore_flag'] == skip


def test_names_that_are_one_image(kit):
    entries = [dict(id=i, file_name=f'im00.{end}', height=64, width=80)
               for i, end in enumerate(('png', 'jpg'))]
    path = kit.write_coco(images=entries, annotations=[])
    problems = []
    BoxFile('det', str(path), LabelSpace.build(SHAPES)).scan(problems)
    assert 'which are one image by name' in str(problems[0])


def test_each_task_has_keys_of_its_own(kit):
    assert class_hint('det', 'van') == (
        "`classes['det']`", "`label_map=dict(det={'van': None})`")
    file = BoxFile('cars', str(kit.write_coco()), LabelSpace.build(['van']))
    with pytest.raises(DataError, match='`labels.cars.classes` does not'):
        file.read(next(iter(file.scan([]).values())))
