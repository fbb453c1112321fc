"""Files to start from, sound and hostile, and ways to spoil them."""
import io
import json
import pickle
import struct
import zlib

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat

#: A file that nothing may open; hostile files name it.
CANARY = 'canary-outside'
NUMBERS = (b'0', b'-1', b'1e999', b'nan', b'inf', b'-inf', b'99999999999999',
           b'1.5', b'1e300', b'9' * 5000, b'', b'true', b'null', b'"x"',
           b'[[]]', b'{}')
WORDS = (b'../' * 8 + CANARY.encode(), b'/' + CANARY.encode(), b'\0', b'\xff',
         b'\xef\xbb\xbf', b'\r\n', b'\n\n', '\u2028'.encode(), b'\xed\xa0\x80',
         b'\\ud800', b'&a;', b'<!DOCTYPE a>', b'<!ENTITY a "b">', b'x' * 5000,
         b'\x1b[31m', 'ключ'.encode(), b'<object>', b'</object>', b'<name>',
         b'{', b'[' * 3000, b'IHDR', b'IDAT', b'IEND', b'PLTE', b'tRNS',
         b'acTL', b'\xff\xd8', b'\xff\xd9', b'\xff\xc0', b'\xff\xda',
         b'GTcls', b'PK\x03\x04')


def chunk(kind, body):
    """A PNG chunk with the right sum."""
    return (struct.pack('>I', len(body)) + kind + body +
            struct.pack('>I', zlib.crc32(kind + body)))


def raw_png(values, depth=8, colour=0, size=None, more=b''):
    """A PNG written by hand; ``size`` may lie."""
    width, height = size or (len(values[0]), len(values))
    rows = b''
    for row in values:
        bits = ''.join(format(value, f'0{depth}b') for value in row)
        bits += '0' * (-len(bits) % 8)
        rows += b'\0' + bytes(
            int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    head = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    if colour == 3:
        more = chunk(b'PLTE', bytes(3 * 2**depth)) + more
    return b''.join((b'\x89PNG\r\n\x1a\n', chunk(b'IHDR', head), more,
                     chunk(b'IDAT', zlib.compress(rows)), chunk(b'IEND', b'')))


def saved(picture, kind, **options):
    """A picture's bytes as ``kind``."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _pixels(height=40, width=60):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (4, 6, 3), np.uint8)
    return Image.fromarray(small).resize((width, height))


def images():
    """Pictures of every kind."""
    picture = _pixels()
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg = saved(picture, 'JPEG')
    return [
        jpeg,
        saved(picture, 'JPEG', progressive=True),
        saved(picture, 'JPEG', exif=exif),
        saved(picture.convert('CMYK'), 'JPEG'),
        saved(picture.convert('L'), 'JPEG'),
        saved(picture, 'PNG'),
        saved(picture.convert('RGBA'), 'PNG'),
        saved(picture.convert('P'), 'PNG', transparency=0),
        saved(picture, 'BMP'),
        saved(picture, 'WEBP'),
        saved(picture, 'TIFF', compression='tiff_lzw'),
        saved(picture, 'GIF', save_all=True, append_images=[picture] * 2),
        saved(picture, 'PNG', save_all=True, append_images=[picture] * 2),
        saved(Image.new('RGB', (1, 1)), 'PNG'),
        saved(Image.new('RGB', (30000, 10)), 'PNG'),
        saved(Image.new('RGB', (30000, 10)), 'JPEG'),
        jpeg.replace(b'\0\x28\0\x3c', b'\xff\xff\xff\xff', 1),
        jpeg[:2] + b'garbage' * 9 + jpeg[2:],
        raw_png([[0]], 8, 2, (60000, 60000)),
        raw_png([[0]], 8, 0, (2**31 - 1, 2**31 - 1)),
        b'', b'hello', b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff\xd9',
        b'RIFF\xff\xff\xff\xffWEBPVP8L', b'BM' + b'\xff' * 60,
        b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 50000 +X 50000\n',
        b'P6 60000 60000 255\n', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 '
        b'0 9 9\n',
    ]


def masks():
    """Masks that are right, and pictures that are none."""
    values = np.zeros((40, 60), np.uint8)
    values[9:30, 9:30] = 8
    grey = Image.fromarray(values)
    palette = grey.copy()
    palette.putpalette([i // 3 for i in range(768)])
    ids = [[0, 1, 1, 0] * 15] * 40
    return [
        saved(grey, 'PNG'), saved(palette, 'PNG'),
        *(raw_png(ids, depth, colour) for depth in (1, 2, 4, 8)
          for colour in (0, 3)),
        saved(Image.fromarray(values.astype(np.uint16)), 'PNG'),
        saved(palette, 'PNG', transparency=8), saved(grey, 'BMP'),
        raw_png([[0]], 8, 3, (60000, 60000)), raw_png([[0]], 3, 0, (60, 40)),
        raw_png(ids, 8, 0, (60, 4000)), *images()
    ]


OBJECT = (b'<object><name>cat</name><difficult>0</difficult><bndbox><xmin>11'
          b'</xmin><ymin>6</ymin><xmax>41</xmax><ymax>31</ymax></bndbox>'
          b'</object>')
SOUND = (b'<annotation><filename>../../' + CANARY.encode() +
         b'</filename><size><width>60</width><height>40</height><depth>3'
         b'</depth></size>' + OBJECT * 2 + b'</annotation>')


def xmls():
    """Annotations, entity bombs and files of others."""
    laughs = ''.join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">'
                     for i in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l11;</x>'
    outside = (f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///{CANARY}">]>'
               '<annotation><object><name>&f;</name></object></annotation>')
    return [
        SOUND, bomb.encode(), bomb.encode('utf-16'), outside.encode(),
        b'<?xml version="1.0" encoding="cp037"?>' + outside.encode('cp037'),
        b'<?xml version="1.0" encoding="utf-7"?>' + outside.encode('utf-7'),
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="latin-1"?>' + SOUND,
        SOUND.decode().encode('utf-16'), SOUND.decode().encode('utf-32'),
        b'<a>' * 50000, b'<a>' * 50000 + b'</a>' * 50000, b'', b'\0', b'<',
        SOUND.replace(b'11', b'1e300'), SOUND.replace(b'11', b'nan'),
        SOUND.replace(b'11', b'-5'), SOUND.replace(b'11', b'11.7'),
        SOUND.replace(b'cat', 'кот\n\u2028'.encode()),
        SOUND.replace(b'cat', b'x' * 9999), SOUND.replace(b'40', b'0'),
        SOUND.replace(b'<name>cat</name>', b'<name>cat</name>' * 2)
    ]


def lists():
    """Id lists."""
    return [
        b'a\nb\nc\n', b'\xef\xbb\xbfa  1\r\n\r\nb -1\r\na 1\r\n', b'',
        b'\n \n',
        b'../../' + CANARY.encode(), b'/' + CANARY.encode(), b'a\0b\n',
        b'x' * 100000, b'a\n' * 50000, '\u2028'.encode(), b'a\rb\x0bc\x1cd',
        'a\u202eb'.encode(), b'..', b'C:\\x', 'aé'.encode('latin-1'),
        'a b'.encode('utf-16')
    ]


def matrices():
    """Matrix files of ``tools/run_matrix.py``."""
    sound = b"""title: a
note: >-
  b
seeds: [0, 1]
checkpoint: last
options: {train_cfg.max_epochs: 3}
metrics: [det/mAP]
baseline: {det: one}
cells:
  one:
    title: c
    config: configs/x.py
    paper: {det/mAP: 1.5}
  two:
    config: configs/x.py
    checkpoints: {load_from: one}
    options: &more {val_cfg: null}
  three: configs/x.py
"""
    bomb = b'a0: &a0 [x, x]\n' + b''.join(
        b'a%d: &a%d [%s]\n' % (k, k, b', '.join([b'*a%d' % (k - 1)] * 9))
        for k in range(1, 12))
    return [
        sound, b'cells: {a: configs/x.py}\n', b'', b'cells: []\n', bomb,
        b'cells: ' + bomb, b'[' * 5000, b'cells: {../a: configs/x.py}',
        b'!!python/object/apply:os.system [true]', b'cells: {1: {config: 2}}',
        b'seeds: [0x7fffffffffffffffffff]\ncells: {a: x}',
        b'cells: {a: {config: x, checkpoints: {a: [b]}}}',
        b'cells: {a: {config: "\\0"}}', b'? [a]\n: b\n', b'a: &a {b: *a}',
        b'cells: &c {a: {config: x, options: *c}}'
    ]


def vehicles():
    """Annotations of VEDAI, of one image and of all."""
    return [
        b'140 220 0 1 1 0 100 180 180 100 200 200 240 240\n' * 3,
        b'7 140 220 0 100 180 180 100 200 200 240 240 1 1 0\n' * 3,
        b'1 2 3 4 5\n', b'', b'nan ' * 14, b'1e999 ' * 15, b'9' * 9000
    ]


def _coco():
    return dict(
        images=[
            dict(id=1, file_name='a.jpg', height=40, width=60),
            dict(id=2, file_name='sub/b.jpg', height=40, width=60)
        ],
        categories=[dict(id=7, name='cat'), dict(id=3, name='dog')],
        annotations=[
            dict(id=1, image_id=1, category_id=7, bbox=[10, 5, 30, 25],
                 iscrowd=0),
            dict(id=2, image_id=2, category_id=3, bbox=[1.5, 2, 3, 4])
        ])


def cocos():
    """COCO files."""
    sound = json.dumps(_coco()).encode()
    found = [
        sound, b'', b'{}', b'[]', b'null', b'[' * 100000, sound[:-9],
        b'\xef\xbb\xbf' + sound, sound.decode().encode('utf-16'),
        sound.replace(b'7', b'[7]'), sound.replace(b'7', b'{"a": 1}'),
        sound.replace(b'30', b'1' + b'0' * 400),
        sound.replace(b'30', b'NaN'), sound.replace(b'30', b'1e999'),
        sound.replace(b'30', b'1' * 9999),
        sound.replace(b'"id": 2', b'"id": 1'),
        sound.replace(b'sub/b.jpg', b'../' + CANARY.encode()),
        sound.replace(b'sub/b.jpg', b'\\ud800.jpg'),
        sound.replace(b'sub/b.jpg', b'a.png'),
        sound.replace(b'cat', b'\\u0000' * 500),
    ]
    for key in ('images', 'annotations', 'categories'):
        for value in (None, {}, [None], [[]], [{}], 'x', 3):
            found.append(json.dumps(dict(_coco(), **{key: value})).encode())
    return found


def predictions():
    """What a test writes."""
    content = dict(
        classes=['cat', 'dog'],
        images=[
            dict(img_id='a', img_path='x/a.jpg', detections=[
                dict(bbox=[1., 2., 3., 4.], score=0.5, label=1)
            ])
        ])
    sound = json.dumps(content).encode()
    return [
        sound, b'', b'[]', b'[' * 100000, sound.replace(b'0.5', b'NaN'),
        sound.replace(b'4.0', b'1' + b'0' * 400),
        sound.replace(b'"label": 1', b'"label": 99'),
        sound.replace(b'"label": 1', b'"label": true'),
        sound.replace(b'["cat", "dog"]', b'"cat"'),
        sound.replace(b'[1.0, ', b'['), sound.replace(b'"x/a.jpg"', b'[[[]]]')
    ]


def mats():
    """SBD masks."""
    mask = np.zeros((40, 60), np.uint8)
    mask[9:20, 9:20] = 8
    found = [b'', b'MATLAB 5.0 MAT-file' + b' ' * 107 + b'\0\1IM']
    for key, value in (('GTcls', dict(Segmentation=mask)),
                       ('GTcls', dict(Segmentation=mask + 0.5)),
                       ('GTcls', dict(Segmentation='text')),
                       ('GTcls', dict(Segmentation=np.zeros((2, 2, 2)))),
                       ('GTcls', dict(Boundaries=mask)), ('GTcls', mask),
                       ('GTcls', 'text'), ('GTinst', dict(a=mask))):
        for packed in (False, True):
            buffer = io.BytesIO()
            savemat(buffer, {key: value}, do_compression=packed)
            found.append(buffer.getvalue())
    bomb = zlib.compress(bytes(2**27))
    found.append(found[1] + struct.pack('<II', 15, len(bomb)) + bomb)
    return found


class Hostile:
    """Opens the canary when it is unpickled."""

    def __reduce__(self):
        return open, ('/' + CANARY, 'w')


def checkpoints():
    """Weights, and what only looks like them."""
    state = {'a.weight': torch.ones(4, 3), 'a.bias': torch.zeros(4)}
    found = []
    for content in (dict(state_dict=state, meta=dict(epoch=1)), state,
                    dict(state_dict=[1]), dict(meta=[1], state_dict=state),
                    dict(state_dict={3: torch.ones(1)}), [1], {1: 2},
                    dict(state_dict={'a.weight': 'x'}),
                    dict(state_dict=state, extra=Hostile())):
        for zipped in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer,
                       _use_new_zipfile_serialization=zipped)
            found.append(buffer.getvalue())
    return [*found, pickle.dumps(Hostile()), pickle.dumps(state), b'', b'\x80']


def spoil(data, rng):
    """``data`` after one to four random changes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[place % len(data)] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            del data[place:place + rng.choice((1, 4, 64))]
        elif kind == 3:
            data[place:place] = rng.choice(WORDS)
        elif kind == 4:
            del data[place:]
        elif kind == 5:
            part = data[place:place + rng.randrange(1, 200)]
            data[place:place] = part * rng.choice((1, 2, 50))
        elif kind == 6:
            _other_number(data, rng)
        else:
            data[place:place + 4] = struct.pack(
                '>I', rng.choice((0, 1, 2**16, 2**31 - 1, 2**32 - 1)))
    return bytes(data)


def _other_number(data, rng):
    """Replace a run of digits, as texts have them."""
    starts = [i for i, byte in enumerate(data[:20000])
              if 48 <= byte <= 57 and not (i and 48 <= data[i - 1] <= 57)]
    if starts:
        start = end = rng.choice(starts)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        data[start:end] = rng.choice(NUMBERS)
