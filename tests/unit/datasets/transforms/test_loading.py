import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmmultas.datasets.label_map import voc_space
from mmmultas.datasets.transforms.loading import (LoadImage, LoadLabels,
                                                  decode_ids, decode_mask)
from mmmultas.utils.errors import DataError


@pytest.fixture
def jpeg(tmp_path):
    return picture(tmp_path / 'x.jpg', 'RGB')


def picture(path, mode, **options):
    pixels = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)
    Image.fromarray(pixels // 2).convert(mode).save(path, **options)
    return path


def load(path, **kwargs):
    return LoadImage(**kwargs)({'img_path': str(path)})


def test_image_is_that_of_opencv(jpeg):
    results = load(jpeg)
    assert (results['img'] == cv2.imread(str(jpeg))).all()
    assert results['ori_shape'] == results['img_shape'] == (30, 40)


@pytest.mark.parametrize('mode, name', [('L', 'x.jpg'), ('CMYK', 'x.jpg'),
                                        ('RGBA', 'x.png'), ('P', 'x.png'),
                                        ('I;16', 'x.png')])
def test_any_mode_becomes_bgr(tmp_path, mode, name):
    path = tmp_path / name
    if mode == 'I;16':
        Image.fromarray(np.full((30, 40), 700, np.uint16)).save(path)
    else:
        picture(path, mode)
    img = load(path)['img']
    assert img.shape == (30, 40, 3) and img.dtype == np.uint8


def test_exif_turns_unless_labels_lie_as_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = picture(tmp_path / 'x.jpg', 'RGB', exif=exif)
    turned, stored = load(path), load(path, exif=False)
    assert (turned['ori_shape'], turned['exif']) == ((40, 30), True)
    assert (stored['ori_shape'], stored['exif']) == ((30, 40), False)


def test_a_mask_of_the_stored_picture_is_told_apart(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = picture(tmp_path / 'x.jpg', 'RGB', exif=exif)
    Image.fromarray(np.zeros((30, 40), np.uint8)).save(tmp_path / 'm.png')
    record = dict(img_path=str(path), tasks=('seg', ),
                  seg_map_path=str(tmp_path / 'm.png'),
                  seg_lut=np.zeros(256, np.uint8))
    with pytest.raises(DataError, match=r'LoadImage\(exif=False\)'):
        LoadLabels()(LoadImage()(dict(record)))
    kept = LoadLabels()(LoadImage(exif=False)(dict(record)))
    assert kept['gt_seg_map'].shape == (30, 40)


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
@pytest.mark.parametrize('kept', [.5, .9])
def test_truncated(tmp_path, suffix, kept):
    path = picture(tmp_path / f'x.{suffix}', 'RGB')
    data = path.read_bytes()
    path.write_bytes(data[:int(len(data) * kept)])
    with pytest.raises(DataError, match=f'x.{suffix} is truncated'):
        load(path)


def test_truncated_behind_a_thumbnail(jpeg):
    data, thumb = jpeg.read_bytes(), jpeg.read_bytes()
    # an application segment that holds a whole JPEG, as EXIF does
    segment = b'\xff\xe1' + (len(thumb) + 2).to_bytes(2, 'big') + thumb
    whole = data[:2] + segment + data[2:]
    jpeg.write_bytes(whole)
    load(jpeg)
    jpeg.write_bytes(whole[:-40])
    with pytest.raises(DataError, match='truncated'):
        load(jpeg)


def test_bytes_behind_the_end_are_no_truncation(jpeg):
    jpeg.write_bytes(jpeg.read_bytes() + b'\0' * 100)
    load(jpeg)


@pytest.mark.parametrize('content, message', [
    (b'', 'no image that can be decoded'),
    (b'no picture', 'no image that can be decoded'),
    (None, 'Cannot read the image .*No such file'),
])
def test_unreadable(tmp_path, content, message):
    if content is not None:
        (tmp_path / 'x.jpg').write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / 'x.jpg')


def png(values, mode=None, **options):
    image = Image.fromarray(np.asarray(values, np.uint8), mode)
    if mode is None:
        image.putpalette(np.random.default_rng(0).bytes(768))
    buffer = io.BytesIO()
    image.save(buffer, 'png', **options)
    return buffer.getvalue()


@pytest.mark.parametrize('options', [{}, dict(optimize=True), dict(bits=4),
                                     dict(transparency=3)])
def test_palette_entries_stay_numbers(options):
    values = np.random.default_rng(1).integers(0, 16, (37, 41), np.uint8)
    assert (decode_mask(png(values, **options), 'x') == values).all()


def test_all_256_values():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (decode_mask(png(values), 'x') == values).all()
    assert (decode_mask(png(values, 'L'), 'x') == values).all()


@pytest.mark.parametrize('data, message', [
    (png(np.zeros((9, 9, 3)), 'RGB'), 'has colours'),
    (png(np.zeros((9, 9)))[:-30], 'truncated'),
    (b'hello', 'no mask that can be decoded'),
    (b'\x89PNG\r\n\x1a\nIEND', 'no mask that can be decoded'),
])
def test_refused_masks(data, message):
    with pytest.raises(DataError, match=f'x.png .*{message}'):
        decode_mask(data, 'x.png')


def record(path, values, tasks=('seg', ), **kwargs):
    path.write_bytes(png(values))
    return dict(
        tasks=tasks,
        ori_shape=np.shape(values),
        seg_map_path=str(path),
        seg_lut=voc_space('seg').lut(),
        **kwargs)


def test_labels_of_both_tasks(tmp_path):
    values = np.uint8([[0, 20], [255, 8]])
    instances = [
        dict(bbox=[0., 1., 2., 3.], bbox_label=5, ignore_flag=0),
        dict(bbox=[4., 5., 6., 7.], bbox_label=0, ignore_flag=1)
    ]
    out = LoadLabels()(
        record(
            tmp_path / 'x.png', values, ('det', 'seg'), instances=instances))
    assert (out['gt_seg_map'] == values).all()
    assert out['gt_bboxes'].tensor.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert out['gt_bboxes_labels'].tolist() == [5, 0]
    assert out['gt_ignore_flags'].tolist() == [False, True]


def test_no_boxes_and_no_label_differ(tmp_path):
    out = LoadLabels()(dict(tasks=('det', ), instances=[]))
    assert out['gt_bboxes'].tensor.shape == (0, 4)
    assert LoadLabels()(dict(tasks=())) == dict(tasks=())


def test_withheld_labels_stay_closed(tmp_path):
    out = LoadLabels()(dict(
        tasks=(), seg_map_path='/does/not/exist', instances=3))
    assert 'gt_seg_map' not in out and 'gt_bboxes' not in out


def test_lut_is_applied(tmp_path):
    data = record(tmp_path / 'x.png', [[8, 12], [15, 255]])
    data['seg_lut'] = voc_space('seg', label_map='groups4').lut()
    assert LoadLabels()(data)['gt_seg_map'].tolist() == [[2, 2], [4, 255]]


def test_values_outside_the_label_set(tmp_path):
    with pytest.raises(DataError, match=r'x.png holds .*set \(21, 200\)'):
        LoadLabels()(record(tmp_path / 'x.png', [[0, 21], [200, 21]]))


def test_mask_of_another_size(tmp_path):
    data = record(tmp_path / 'x.png', np.zeros((4, 5)))
    data['ori_shape'] = (4, 6)
    with pytest.raises(DataError, match='x.png is 5×4, its image 6×4'):
        LoadLabels()(data)


def test_a_mask_is_decoded_once(tmp_path):
    load = LoadLabels()
    data = record(tmp_path / 'x.png', [[8, 12], [15, 255]])
    first = load(dict(data))['gt_seg_map']
    first_values = first.copy()
    first[:] = 77  # a transform that writes in place
    (tmp_path / 'x.png').unlink()
    assert np.array_equal(load(dict(data))['gt_seg_map'], first_values)
    # another table over the same file
    data['seg_lut'] = voc_space('seg', label_map='groups4').lut()
    assert load(dict(data))['gt_seg_map'].tolist() == [[2, 2], [4, 255]]
    with pytest.raises(DataError, match='Cannot read'):
        LoadLabels(cache_mb=0)(data)


def test_wrong_values_are_told_every_time(tmp_path):
    load = LoadLabels()
    data = record(tmp_path / 'x.png', [[0, 21]])
    for _ in range(2):
        with pytest.raises(DataError, match=r'set \(21\)'):
            load(dict(data))


def test_ids_of_16_bits(tmp_path):
    ids = np.array([[0, 24, 26001], [33017, 7, 65535]], np.uint16)
    data = cv2.imencode('.png', ids)[1].tobytes()
    found = decode_ids(data, 'x')
    assert found.dtype == np.uint16 and (found == ids).all()
    small = cv2.imencode('.png', ids.astype(np.uint8))[1].tobytes()
    assert decode_ids(small, 'x').dtype == np.uint16
    for broken, message in ((data[:-20], 'x is truncated'),
                            (data[:8] + b'no' + data[10:], 'x is no picture'),
                            (b'', 'x is no mask')):
        with pytest.raises(DataError, match=message):
            decode_ids(broken, 'x')
    colours = cv2.imencode('.png', np.zeros((2, 2, 3), np.uint16))[1]
    with pytest.raises(DataError, match='x has colours'):
        decode_ids(colours.tobytes(), 'x')
