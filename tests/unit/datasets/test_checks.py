import pytest

from mmmultas.datasets.checks import (check_ids, png_size, read_ids,
                                      read_voc_xml, require_files,
                                      scan_voc_xml)
from mmmultas.utils.errors import DataError


def test_id_list_with_every_oddity(tmp_path):
    path = tmp_path / 'ids.txt'
    path.write_bytes(b'\xef\xbb\xbfa  1\r\n\r\nb -1\r\n  c\r\na 1')
    with pytest.warns(UserWarning, match='1 repeated'):
        assert read_ids(path) == ['a', 'b', 'c']


@pytest.mark.parametrize('text, message', [
    (b'', 'is empty'),
    (b' \n\n', 'is empty'),
    (b'../secret', "'../secret'"),
    (b'x/y', "'x/y'"),
    (b'x\\y', 'no image id'),
    (b'..', 'no image id'),
    (b'a\x1b[31m', r"'a\\x1b\[31m', which is no image id"),
    (b'x' * 9999, 'x…, which is no image id'),
    (b'\xff\xfe', 'not UTF-8'),
])
def test_refused_id_lists(tmp_path, text, message):
    path = tmp_path / 'ids.txt'
    path.write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_ids(path)


def test_missing_list(tmp_path):
    with pytest.raises(DataError, match='gone.txt .No such file'):
        read_ids(tmp_path / 'gone.txt')


def test_check_ids_keeps_the_order():
    assert check_ids(['b', 'a'], 'x') == ['b', 'a']


def test_require_files_counts_what_is_missing(tmp_path):
    (tmp_path / 'a').touch()
    require_files(tmp_path, ['a'], 'image', 'list')
    with pytest.raises(DataError, match=r'b is missing \(and 1 more\); .*of '
                       'list'):
        require_files(tmp_path, ['a', 'b', 'c'], 'image', 'list')


def test_png_size(tmp_path, devkit):
    assert png_size(devkit.root / 'VOC2012/SegmentationClass/a.png') == (40,
                                                                         60)
    with pytest.raises(DataError, match='no PNG'):
        png_size(devkit.root / 'VOC2012/JPEGImages/a.jpg')
    with pytest.raises(DataError, match='Cannot read'):
        png_size(tmp_path / 'no.png')


BOMB = ('<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        '<annotation>&b;</annotation>')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-16', 'utf-16-be'])
def test_doctype_is_refused_in_any_encoding(tmp_path, encoding):
    path = tmp_path / 'bomb.xml'
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    path.write_bytes((head + BOMB).encode(encoding))
    with pytest.raises(DataError, match='DOCTYPE'):
        read_voc_xml(path)


BOX = '<bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9</ymax>' \
      '</bndbox>'


@pytest.mark.parametrize('body, message', [
    ('<annotation>', 'no usable XML'),
    ('', 'no usable XML'),
    ('<a><object><name>cat</name></object></a>', 'no <bndbox>'),
    ('<a><object>' + BOX.format(1, 3) + '</object></a>', 'no <name>'),
    ('<a><object><name>cat</name>' + BOX.format('nan', 3) + '</object></a>',
     "<xmin> is 'nan'"),
    ('<a><object><name>cat</name>' + BOX.format(1, 'inf') + '</object></a>',
     "<xmax> is 'inf'"),
    ('<a><object><name>cat</name>' + BOX.format(9, 3) + '</object></a>',
     'box of a cat is reversed'),
    ('<a><size><width>x</width></size></a>', "<width> is 'x'"),
    ('<a><object><name>cat</name>' + BOX.format('-1e300', 3) +
     '</object></a>', "<xmin> is '-1e300', where no pixel is"),
    ('<a><object><name>' + 'x' * 999 + '</name>' + BOX.format(1, 3) +
     '</object></a>', "the <name> 'xxx"),
])
def test_broken_xml(tmp_path, body, message):
    path = tmp_path / 'x.xml'
    path.write_text(body)
    with pytest.raises(DataError, match=f'x.xml .*{message}'):
        read_voc_xml(path)


def test_decimals_and_parts(tmp_path):
    path = tmp_path / 'x.xml'
    path.write_text('<a><size><width>0</width><height>0</height></size>'
                    '<object><name>cat</name>' + BOX.format('1.9', 3) +
                    '<part><name>head</name>' + BOX.format(5, 6) + '</part>'
                    '</object></a>')
    annotation = read_voc_xml(path)
    assert annotation.size is None
    assert [o.bbox for o in annotation.objects] == [(1, 2, 3, 9)]


def test_several_boxes_of_an_object_are_as_many_objects(tmp_path):
    path = tmp_path / 'x.xml'
    path.write_text('<a><object><name>cat</name>' + BOX.format(1, 3) +
                    BOX.format(5, 7) + '</object></a>')
    assert [(o.name, o.bbox) for o in read_voc_xml(path).objects] == [
        ('cat', (1, 2, 3, 9)), ('cat', (5, 2, 7, 9))]


def test_what_is_wrong_has_a_mend_that_fits(tmp_path):
    path = tmp_path / 'x.xml'
    shares = BOX.replace('2', '0.2').replace('9', '0.9')
    path.write_text('<a><object><name>cat</name>' + BOX.format(9, 3) +
                    '</object><object><name>dog</name>' +
                    shares.format(0.1, 0.5) + '</object></a>')
    annotation, [turned, share] = scan_voc_xml(path)
    assert not annotation.objects
    assert turned.mend == 'swap the two in the file' and '(9, 2, 3, 9)' in (
        turned.reason)
    assert 'shares of the image' in share.reason and share.kind == 'units'
    assert 'multiply x by the width' in share.mend
