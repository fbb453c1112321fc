import pytest

from mmmultas.projects.readers.voc import voc_root
from mmmultas.testing import SHAPES
from mmmultas.utils.errors import ConfigError


def test_xmls(kit, read, same_boxes):
    opened, labels = read(kit.write_xml())
    assert opened.in_place and labels.classes == SHAPES
    same_boxes(labels, tolerance=1)  # VOC's last pixel is inside


def test_broken_ones_are_problems(kit, read):
    (kit.write_xml() / 'im01.xml').write_text('<annotation>')
    _, labels = read(kit.root / 'xml')
    assert len(labels.pictures) == 2
    [problem] = labels.problems
    assert problem.file.endswith('im01.xml') and 'no usable' in problem.reason


def test_roots(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name / 'Annotations').mkdir(parents=True)
    assert voc_root(tmp_path / 'a', 'Annotations', '--det') == tmp_path / 'a'
    assert voc_root(tmp_path, 'SegmentationClass', '--seg') is None
    with pytest.raises(ConfigError, match='holds 2 roots'):
        voc_root(tmp_path, 'Annotations', '--det')
