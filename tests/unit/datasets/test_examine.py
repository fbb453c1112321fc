import numpy as np
import pytest
from PIL import Image

from mmmultas.datasets.colours import ColourTable
from mmmultas.datasets.examine import (Box, Item, Rules, box_problems,
                                       examine, xml_boxes)
from mmmultas.datasets.label_map import voc_space

RULES = Rules(dict(cat=0, dog=1, cow=None),
              dict(det=('cat', 'dog'), seg=('background', )))
LUT = voc_space('seg').lut()


def item(kit, name='a', tasks=('det', 'seg'), **kwargs):
    root = kit.root / 'VOC2012'
    return Item(**{
        'image': str(root / f'JPEGImages/{name}.jpg'),
        'tasks': tasks,
        'xml': str(root / f'Annotations/{name}.xml'),
        'mask': str(root / f'SegmentationClass/{name}.png'),
        'table': LUT, **kwargs})


def reasons(finding):
    return [problem.reason for problem in finding.problems]


def test_sound_files(devkit):
    finding = examine(item(devkit), RULES)
    assert not finding.problems and finding.size == (40, 60)
    assert [(b.name, b.ignore) for b in finding.boxes] == [
        ('cat', False), ('dog', True)]
    mask = np.array(Image.open(item(devkit).mask))
    for value in (0, 8, 12, 255):
        assert finding.pixels[value] == (mask == value).sum()
    assert finding.pixels.sum() == 40 * 60
    assert finding.digest != examine(item(devkit, 'b'), RULES).digest


def test_withheld_labels_are_not_opened(devkit):
    devkit.write('VOC2012/Annotations/a.xml', 'no xml')
    assert not examine(item(devkit, tasks=('seg', )), RULES).problems
    devkit.mask('a', np.full((40, 60), 99))
    assert examine(item(devkit, tasks=()), RULES).problems == []
    assert len(examine(item(devkit), RULES).problems) == 2


def test_all_that_is_wrong_with_one_image(devkit):
    path = devkit.path('VOC2012/JPEGImages/a.jpg')
    path.write_bytes(path.read_bytes()[:-99])
    devkit.xml('a', [('unicorn', (1, 1, 9, 9)), ('cat', (30, 30, 90, 35)),
                     ('dog', (70, 1, 80, 9)), ('cat', (5, 5, 5, 9)),
                     ('dog', (9, 9, 1, 20)), ('cow', (1, 1, 2, 2))])
    devkit.mask('a', np.full((40, 60), 99))
    told = reasons(examine(item(devkit), RULES))
    for place, words in enumerate((
            'is truncated', 'box of a dog is reversed', "'unicorn'",
            'leaves its 60×40', 'wholly outside', 'without width',
            'label set (99)')):
        assert words in told[place], told
    assert len(told) == 7


def test_sizes_that_disagree(devkit):
    devkit.xml('a', [], size=(60, 40))
    devkit.mask('a', np.zeros((30, 60)))
    told = reasons(examine(item(devkit), RULES))
    assert 'has 40×60 pixels, but it has 60×40 (turned by its EXIF' in told[0]
    assert 'is 60×30, its image 60×40' in told[1]


def test_missing_size_is_told(devkit):
    devkit.write('VOC2012/Annotations/a.xml', '<annotation></annotation>')
    boxes, size, [problem] = xml_boxes(item(devkit).xml, {})
    assert (boxes, size) == ([], None) and '<size>' in problem.reason


def test_colours_are_counted_and_missed(devkit, tmp_path):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:10] = 255, 0, 0
    picture[10:12] = 1, 2, 3
    Image.fromarray(picture).save(tmp_path / 'm.png')
    table = ColourTable.build({0: 0, 0xff0000: 1})
    finding = examine(item(devkit, tasks=('seg', ), table=table,
                           mask=str(tmp_path / 'm.png')), RULES)
    assert finding.pixels[1] == 600 and '(#010203)' in reasons(finding)[0]


@pytest.mark.parametrize('bbox, count', [
    ((0, 0, 60, 40), 0), ((-1, -1, 61, 41), 0), ((-1.5, 0, 9, 9), 1),
    ((5, 5, 5, 9), 1), ((60, 5, 66, 9), 1), ((0, 0, 9, 41.5), 1),
])
def test_a_pixel_of_tolerance(bbox, count):
    told = list(box_problems(Box('cat', 0, bbox), (40, 60), 'f', 'i'))
    assert len(told) == count
