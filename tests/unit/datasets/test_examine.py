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
    assert finding.boxes[1].passed_over
    learnt = Rules(RULES.index, RULES.classes, difficult=True)
    assert not examine(item(devkit), learnt).boxes[1].passed_over
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
    assert told[0].endswith('has 40×60 pixels, but it has 60×40')
    assert 'is 60×30, its image 60×40' in told[1]


def test_a_missing_size_is_that_of_the_picture(devkit):
    devkit.write('VOC2012/Annotations/a.xml', '<annotation></annotation>')
    assert xml_boxes(item(devkit).xml, RULES) == ([], None, [])
    assert examine(item(devkit), RULES).size == (40, 60)


def test_labels_of_turned_photographs(devkit):
    """The mend is that of the labels: upright, or as the file is stored."""
    path = devkit.path('VOC2012/JPEGImages/a.jpg')
    picture = Image.open(path)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)  # shown as 40 wide and 60 high
    devkit.xml('a', [], size=(60, 40))
    devkit.mask('a', np.zeros((60, 40)))
    finding = examine(item(devkit), RULES)
    assert finding.orientation == 6 and not finding.problems
    devkit.xml('a', [], size=(40, 60))
    devkit.mask('a', np.zeros((40, 60)))
    mends = [p.mend for p in examine(item(devkit), RULES).problems]
    assert len(mends) == 2 and all('exif=False' in m for m in mends)
    raw = Rules(RULES.index, RULES.classes, exif=False)
    assert not examine(item(devkit), raw).problems
    devkit.xml('a', [], size=(60, 40))
    [problem] = examine(item(devkit, tasks=('det', )), raw).problems
    assert 'leave exif=False out' in problem.mend


def test_labels_that_are_there_twice(devkit):
    box = (1, 1, 9, 9)
    devkit.xml('a', [('cat', box), ('cat', box), ('dog', (2, 2, 9, 9)),
                     ('cat', (2, 2, 9, 9)), ('dog', (3, 3, 8, 8))])
    told = examine(item(devkit), RULES).problems
    assert [p.kind for p in told] == ['twice', 'twice']
    assert 'of cat in a.jpg 2 times' in told[0].reason
    assert 'of cat and dog' in told[1].reason
    assert all(p.severity == 'warning' for p in told)


def test_bits_and_brightness(devkit):
    path = str(devkit.path('VOC2012/JPEGImages/a.png'))
    Image.fromarray(np.full((40, 60), 2560, np.uint16)).save(path)
    finding = examine(item(devkit, tasks=(), image=path), RULES)
    assert (finding.bits, finding.brightest) == (16, 10)
    finding = examine(item(devkit, tasks=()), RULES)
    assert finding.bits == 8 and finding.brightest > 10


def test_colours_of_a_palette(devkit):
    finding = examine(item(devkit), RULES)
    assert finding.colours[8] == '#400000' and 7 not in finding.colours


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
