"""What holds for any label, drawn by hypothesis."""
import io
import json

import numpy as np
import pytest
from PIL import Image
from fuzz.corpus import raw_png
from hypothesis import HealthCheck, given, settings, strategies as st

from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.datasets.checks import read_ids, read_voc_xml, scan_voc_xml
from mmmultas.datasets.coco import read_coco, scan_coco
from mmmultas.datasets.files import MAX_PIXELS, picture_size, shown
from mmmultas.datasets.transforms.loading import decode_mask
from mmmultas.utils.errors import DataError

quick = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(max_size=20)
NUMBER = st.one_of(
    st.integers(-10, 99).map(str), st.floats().map(str), TEXT,
    st.sampled_from(['1e999', '9' * 400, '1_0', ' 7 ', '0x10', '']))


def clear(call, path):
    """The result, or None for one clear error."""
    try:
        return call(path)
    except DataError as error:
        text = str(error)
        assert str(path) in text and '\n' not in text
        assert len(text) < len(str(path)) + 400
        return None


def _escape(text):
    for one, other in (('&', '&amp;'), ('<', '&lt;'), ('>', '&gt;')):
        text = text.replace(one, other)
    return text


@quick
@given(name=TEXT, box=st.tuples(*[NUMBER] * 4), size=st.tuples(NUMBER, NUMBER))
def test_any_field_of_an_xml(tmp_path, name, box, size):
    path = tmp_path / 'x.xml'
    sides = ''.join(f'<{t}>{_escape(v)}</{t}>'
                    for t, v in zip(('xmin', 'ymin', 'xmax', 'ymax'), box))
    path.write_bytes(
        (f'<a><size><width>{_escape(size[0])}</width><height>'
         f'{_escape(size[1])}</height></size><object><name>{_escape(name)}'
         f'</name><bndbox>{sides}</bndbox></object></a>').encode(
             errors='surrogatepass'))
    strict, loose = (clear(f, path) for f in (read_voc_xml, scan_voc_xml))
    if strict is not None:
        assert loose is not None and loose[0] == strict
        x1, y1, x2, y2 = strict.objects[0].bbox
        assert -2**24 <= x1 <= x2 <= 2**24 and -2**24 <= y1 <= y2 <= 2**24
        assert strict.size is None or min(strict.size) > 0
    elif loose is not None:
        assert loose[1]  # what the strict reader refuses is told


@quick
@given(data=st.one_of(st.binary(max_size=60), TEXT.map(
    lambda text: text.encode(errors='surrogatepass'))))
@pytest.mark.filterwarnings('ignore')
def test_any_list(tmp_path, data):
    path = tmp_path / 'ids.txt'
    path.write_bytes(data)
    for name in clear(read_ids, path) or ():
        inside = (tmp_path / f'{name}.xml').resolve()
        assert inside.parent == tmp_path.resolve() and name.isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6)


@quick
@given(key=st.sampled_from(['images', 'annotations', 'categories']),
       field=st.sampled_from(
           ['id', 'file_name', 'name', 'bbox', 'image_id', 'category_id',
            'iscrowd', 'height']), value=VALUES)
def test_any_value_in_a_coco_json(tmp_path, key, field, value):
    content = dict(
        images=[dict(id=1, file_name='a.jpg', height=9, width=9)],
        categories=[dict(id=1, name='cat')],
        annotations=[dict(id=1, image_id=1, category_id=1, bbox=[1, 2, 3, 4])])
    content[key][0][field] = value
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(content))
    strict, loose = (clear(f, path) for f in (read_coco, scan_coco))
    assert loose is not None
    assert (strict is None) == bool(loose[1])
    for image in loose[0].images:
        inside = (tmp_path / image.file_name).resolve()
        assert inside.is_relative_to(tmp_path.resolve())
        assert all(np.isfinite(box.bbox).all() for box in image.boxes)


@quick
@given(field=st.sampled_from(['bbox', 'score', 'label']), value=VALUES)
def test_any_value_in_predictions(tmp_path, field, value):
    one = dict(bbox=[1., 2., 3., 4.], score=.5, label=0)
    one[field] = value
    path = tmp_path / 'x.json'
    path.write_text(
        json.dumps(
            dict(classes=['cat'], images=[
                dict(img_id=1, img_path='a.jpg', detections=[one])
            ])))
    clear(lambda p: SavedPredictions([p]), path)


@quick
@given(data=st.data(), depth=st.sampled_from([1, 2, 4, 8]),
       colour=st.sampled_from([0, 3]), width=st.integers(1, 9))
def test_a_mask_keeps_its_numbers_at_any_depth(data, depth, colour, width):
    row = st.lists(st.integers(0, 2**depth - 1), min_size=width,
                   max_size=width)
    values = data.draw(st.lists(row, min_size=1, max_size=4))
    mask = decode_mask(raw_png(values, depth, colour), 'x.png')
    assert mask.tolist() == values


@quick
@given(height=st.integers(1, 70000), width=st.integers(1, 70000))
def test_the_header_decides_before_anything_is_unpacked(height, width):
    data = raw_png([[0]], 8, 0, (width, height))
    assert picture_size(data) == (height, width)
    with pytest.raises(DataError, match='x.png') as error:
        decode_mask(data, 'x.png')
        raise DataError('x.png')  # one pixel
    assert ('134 million' in str(error.value)) == (
        height * width > MAX_PIXELS)


@quick
@given(kind=st.sampled_from(['JPEG', 'PNG', 'BMP', 'WEBP', 'TIFF', 'GIF']),
       size=st.tuples(st.integers(1, 60), st.integers(1, 60)))
def test_sizes_are_those_of_pillow(kind, size):
    buffer = io.BytesIO()
    Image.new('RGB', size).save(buffer, kind)
    assert picture_size(buffer.getvalue()) == size[::-1]


@quick
@given(value=VALUES)
def test_whatever_a_file_says_stays_on_one_line(value):
    assert '\n' not in shown(value) and len(shown(value)) < 400
