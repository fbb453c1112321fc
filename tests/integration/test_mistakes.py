"""Everyday mistakes in own data: what docs/own_data.md promises is said.

The table there is the list of the tests: each row has data that are drawn
here, and its second column is looked for in what the tool prints.
"""
import json
import re
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmmultas.projects.data_check import check_data
from mmmultas.projects.data_report import report_text
from mmmultas.projects.labels import parse_labels
from mmmultas.projects.new_project import Source, new_project
from mmmultas.testing import SHAPES, Devkit, ShapeFolder
from mmmultas.testing.label_files import write_labelme, write_yolo
from mmmultas.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / 'docs/own_data.md').read_text()
TABLE = [
    [cell.strip() for cell in line.strip('|').split('|')]
    for line in GUIDE.split('| mistake | what is said |')[1].split(
        '\n\n')[0].splitlines()[2:]
]
MAKERS = {}


def mistake(name):
    """Register data for the row ``name`` of the table."""

    def register(make):
        MAKERS[name] = make
        return make

    return register


def said(det=None, seg=None, out=None, **kwargs):
    """All that new_project.py prints."""
    try:
        project = new_project(det, seg, str(out / 'x.py'), model='rn18_fpn',
                              **kwargs)
        report = check_data(Config.fromfile(project.out))
    except UserError as error:
        return f'error: {error}'
    report.between[:0] = project.problems
    report.facts += project.facts
    return report_text(report)


@pytest.fixture
def kit(tmp_path):
    return ShapeFolder(tmp_path / 'own', 10)


@pytest.mark.parametrize('row', TABLE, ids=lambda r: r[0].replace(' ', '-'))
def test_what_the_table_says_is_said(kit, tmp_path, row):
    name, promise = row
    told = ' '.join(MAKERS[name](kit, tmp_path).split())
    for words in re.findall('"([^"]+)"', promise):
        pattern = '.*?'.join(re.escape(w.strip()) for w in words.split('…'))
        assert re.search(pattern, told), f'{words!r} is not in: {told}'
    assert re.search('"', promise), 'the row quotes nothing'


def test_every_mistake_has_its_row():
    assert {row[0] for row in TABLE} == set(MAKERS)
    assert len(TABLE) > 35


def det(kit, path=None):
    return Source(str(path or kit.write_coco()), str(kit.root / 'images'))


def seg(kit, path=None, images=None):
    return Source(str(path or kit.write_masks()),
                  str(images or kit.root / 'images'))


def entries(kit):
    return json.loads(kit.write_coco().read_text())


def changed(kit, change):
    """Boxes with ``change`` applied to each annotation."""
    content = entries(kit)
    for place, entry in enumerate(content['annotations']):
        change(entry, place)
    return det(kit, kit.write_coco(**content))


def resized(folder, smooth):
    for path in folder.glob('*.png'):
        picture = Image.open(path)
        picture.resize((40, 32)).resize(picture.size, smooth).save(path)
    return folder


@mistake('masks of 0 and 255')
def _(kit, out):
    return said(seg=seg(kit, kit.write_masks(values=(0, 255, 255, 255))),
                out=out)


@mistake('masks of grey levels with 255')
def _(kit, out):
    return said(seg=seg(kit, kit.write_masks(values=(0, 128, 192, 255))),
                out=out)


@mistake('masks with smooth edges')
def _(kit, out):
    masks = resized(kit.write_masks(values=(0, 255, 255, 255)), 2)
    return said(seg=seg(kit, masks), out=out)


@mistake('colour masks with smooth edges')
def _(kit, out):
    return said(seg=seg(kit, resized(kit.write_colours(), 2)), out=out)


@mistake('a mask of 16 bits')
def _(kit, out):
    masks = kit.write_masks()
    Image.fromarray(np.zeros((64, 80), np.uint16)).save(masks / 'im03.png')
    return said(seg=seg(kit, masks), out=out)


@mistake('points and lines among boxes')
def _(kit, out):
    path = write_labelme(kit) / 'im00.json'
    content = json.loads(path.read_text())
    content['shapes'].append(dict(label='pole', shape_type='line',
                                  points=[[0, 0], [1, 9]]))
    path.write_text(json.dumps(content))
    return said(det=det(kit, path.parent), out=out)


@mistake('masks of one value')
def _(kit, out):
    return said(seg=seg(kit, kit.write_masks(values=(0, 0, 0, 0))), out=out)


@mistake('a palette of its own in each mask')
def _(kit, out):
    masks = kit.write_masks()
    for place, path in enumerate(sorted(masks.glob('*.png'))):
        picture = Image.open(path).convert('P')
        picture.putpalette([20 * place, 0, 0, 0, 20 * place, 0, 0, 0, 99, 9,
                            9, 9])
        picture.save(path)
    return said(seg=seg(kit, masks), out=out)


@mistake('masks as JPEG')
def _(kit, out):
    for path in kit.write_masks().glob('*.png'):
        Image.open(path).save(path.with_suffix('.jpg'))
        path.unlink()
    return said(seg=seg(kit, kit.root / 'masks'), out=out)


@mistake('the folder of masks named as that of images')
def _(kit, out):
    masks = kit.write_masks()
    return said(seg=seg(kit, masks, masks), out=out)


@mistake('copies of the masks in place of the images')
def _(kit, out):
    return said(seg=seg(kit, kit.write_masks(), kit.write_masks('copies')),
                out=out)


@mistake('two kinds of masks in a folder')
def _(kit, out):
    kit.write_masks(suffix='_ids.png')
    return said(seg=seg(kit, kit.write_masks(suffix='_colour.png')), out=out)


@mistake('a mask per object')
def _(kit, out):
    for place in range(3):
        kit.write_masks(suffix=f'_{place}.png')
    return said(seg=seg(kit, kit.root / 'masks'), out=out)


@mistake('masks that are not named as images')
def _(kit, out):
    for place, path in enumerate(sorted(kit.write_masks().glob('*.png'))):
        path.rename(path.with_name(f'scan-{place}.png'))
    return said(seg=seg(kit, kit.root / 'masks'), out=out)


@mistake('a few masks that match no image')
def _(kit, out):
    masks = kit.write_masks()
    (masks / 'im03.png').rename(masks / 'old.png')
    return said(seg=seg(kit, masks), out=out)


@mistake('most pixels are ignored')
def _(kit, out):
    return said(seg=seg(kit, kit.write_masks(values=(255, 1, 2, 3))), out=out)


@mistake('a class that no mask shows')
def _(kit, out):
    return said(seg=seg(kit), out=out,
                seg_classes=('background', *SHAPES, 'hexagon'))


@mistake('a value that no class has')
def _(kit, out):
    return said(seg=seg(kit), out=out, seg_classes=('rest=0', 'some=1,2'))


@mistake('a mask of another size')
def _(kit, out):
    masks = kit.write_masks()
    Image.open(masks / 'im03.png').resize((40, 32), 0).save(
        masks / 'im03.png')
    return said(seg=seg(kit, masks), out=out)


@mistake('boxes as x1, y1, x2, y2')
def _(kit, out):
    def corners(entry, _):
        x, y, w, h = (v + 24 * (i < 2) for i, v in enumerate(entry['bbox']))
        entry['bbox'] = [x, y, x + w, y + h]

    content = entries(kit)
    for image in content['images']:
        image.update(width=104, height=88)
    for place, entry in enumerate(content['annotations']):
        corners(entry, place)
    return said(det(kit, kit.write_coco(**content)), out=out)


@mistake('boxes by their centre')
def _(kit, out):
    def centre(entry, _):
        x, y, w, h = entry['bbox']
        entry['bbox'] = [x + w / 2, y + h / 2, w, h]

    return said(changed(kit, centre), out=out)


@mistake('boxes in shares of the image')
def _(kit, out):
    def shares(entry, _):
        entry['bbox'] = [v / (80, 64)[i % 2]
                         for i, v in enumerate(entry['bbox'])]

    return said(changed(kit, shares), out=out)


@mistake('boxes of a smaller copy of the images')
def _(kit, out):
    return said(changed(kit, lambda e, _: e.update(
        bbox=[v / 2 for v in e['bbox']])), out=out)


@mistake('boxes of XMLs in shares')
def _(kit, out):
    kit.write_xml()
    for path in (kit.root / 'xml').glob('*.xml'):
        path.write_text(re.sub(r'(<[xy]m\w+>)(\d+)', r'\g<1>0.\2',
                               path.read_text()))
    return said(det(kit, kit.root / 'xml'), out=out)


@mistake('reversed corners')
def _(kit, out):
    kit.write_xml()
    kit.one_xml('im03', [('circle', (60, 1, 20, 20))])
    return said(det(kit, kit.root / 'xml'), out=out)


@mistake('a box with a negative width')
def _(kit, out):
    return said(changed(kit, lambda e, i: i or e.update(
        bbox=[60, 5, -40, 20])), out=out)


@mistake('a box that leaves its image')
def _(kit, out):
    return said(changed(kit, lambda e, i: i or e.update(
        bbox=[60, 5, 40, 20])), out=out)


@mistake('a box outside its image')
def _(kit, out):
    return said(changed(kit, lambda e, i: i or e.update(
        bbox=[90, 5, 9, 20])), out=out)


@mistake('a box without area')
def _(kit, out):
    return said(changed(kit, lambda e, i: i or e.update(
        bbox=[9, 5, 0, 20])), out=out)


@mistake('a label twice')
def _(kit, out):
    content = entries(kit)
    content['annotations'].append(dict(content['annotations'][0], id=999))
    return said(det(kit, kit.write_coco(**content)), out=out)


@mistake('two classes for a box')
def _(kit, out):
    content = entries(kit)
    content['annotations'].append(
        dict(content['annotations'][0], id=999, category_id=2))
    return said(det(kit, kit.write_coco(**content)), out=out)


@mistake('every box is a crowd')
def _(kit, out):
    return said(changed(kit, lambda e, _: e.update(iscrowd=1)), out=out)


@mistake('boxes too small for the network')
def _(kit, out):
    return said(changed(kit, lambda e, _: e.update(bbox=[9, 9, .3, .3])),
                out=out)


@mistake('more boxes than the network lets out')
def _(kit, out):
    content = entries(kit)
    content['annotations'] += [
        dict(content['annotations'][0], id=1000 + i,
             bbox=[i % 20, i // 20, 9, 9]) for i in range(300)]
    return said(det(kit, kit.write_coco(**content)), out=out)


@mistake('names that differ by case')
def _(kit, out):
    kit.write_xml()
    kit.one_xml('im03', [('Circle', (1, 1, 20, 20))])
    return said(det(kit, kit.root / 'xml'), out=out)


@mistake('ids in two forms')
def _(kit, out):
    images = [dict(i, id=f'{i["id"]:06}') for i in entries(kit)['images']]
    return said(det(kit, kit.write_coco(images=images)), out=out)


@mistake('images that are not there')
def _(kit, out):
    images = [dict(i, file_name=f'photo{i["id"]}.jpg')
              for i in entries(kit)['images']]
    return said(det(kit, kit.write_coco(images=images)), out=out)


@mistake('names with the folders of another machine')
def _(kit, out):
    images = [dict(i, file_name='D:\\set\\' + i['file_name'])
              for i in entries(kit)['images']]
    return said(det(kit, kit.write_coco(images=images)), out=out)


@mistake('absolute paths in a json')
def _(kit, out):
    images = [dict(i, file_name=f'/home/me/{i["file_name"]}')
              for i in entries(kit)['images']]
    return said(det(kit, kit.write_coco(images=images)), out=out)


@mistake('some labels without their images')
def _(kit, out):
    source = det(kit)
    (kit.root / 'images/im03.png').unlink()
    return said(source, out=out)


@mistake('some images without labels')
def _(kit, out):
    boxes = kit.write_xml()
    (boxes / 'im03.xml').unlink()
    return said(det(kit, boxes), out=out)


@mistake('a class without a box')
def _(kit, out):
    categories = [*entries(kit)['categories'], dict(id=9, name='hexagon')]
    return said(det(kit, kit.write_coco(categories=categories)), out=out)


@mistake('labels in a form that cannot be read')
def _(kit, out):
    path = kit.path('export.json')
    path.write_text(json.dumps([dict(id=1, annotations=[], data={})]))
    return said(det(kit, path), out=out)


@mistake('txt lines that are not in shares')
def _(kit, out):
    with open(write_yolo(kit) / 'im03.txt', 'a') as file:
        file.write('1 40 20 9 9\n')
    return said(det(kit, kit.root / 'labels'), out=out)


@mistake('12 bits in files of 16')
def _(kit, out):
    source = det(kit)
    for path in (kit.root / 'images').glob('*.png'):
        grey = np.asarray(Image.open(path).convert('L'), np.uint16)
        Image.fromarray(grey * 16).save(path)
    return said(source, out=out)


def turn(path):
    """Store a picture turned, with the tag that shows it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.open(path).transpose(Image.Transpose.ROTATE_90)
    picture.save(path.with_suffix('.jpg'), exif=exif)
    path.unlink()


@mistake('photographs with an EXIF tag')
def _(kit, out):
    for path in (kit.root / 'images').glob('*.png'):
        turn(path)
    return said(det(kit, kit.write_xml()), out=out)


@mistake('labels of photographs as they are stored')
def _(kit, out):
    for path in (kit.root / 'images').glob('*.png'):
        turn(path)
    kit.size = kit.size[::-1]
    return said(det(kit, kit.write_xml()), out=out)


@mistake('a cut image')
def _(kit, out):
    source = det(kit)
    path = kit.root / 'images/im03.png'
    path.write_bytes(path.read_bytes()[:200])
    return said(source, out=out)


@mistake("VOC's lists of parts")
def _(kit, out):
    devkit = Devkit(out / 'kit')
    for place in range(6):
        devkit.add(f'a{place}')
        Image.new('RGB', (60, 40), (place, 99, 9)).save(
            out / f'kit/VOC2012/JPEGImages/a{place}.jpg')
    for part, ids in dict(train=('a0', 'a1', 'a2'), val=('a3', 'a4'),
                          test=('a5', )).items():
        devkit.ids(ids, f'ImageSets/Main/{part}.txt')
    return said(Source(str(out / 'kit/VOC2012')), out=out)


@mistake('folders train, valid and test')
def _(kit, out):
    for part, first in (('train', 0), ('valid', 20), ('test', 40)):
        other = ShapeFolder(out / 'set' / part, 4, first=first)
        other.write_coco()
    return said(Source(str(out / 'set/train/boxes.json')), out=out)


@mistake('versions of one photograph')
def _(kit, out):
    content = entries(kit)
    for image in content['images']:
        old = kit.root / 'images' / image['file_name']
        image['file_name'] = f'p{image["id"] // 2}_png.rf.{image["id"]}a.png'
        old.rename(kit.root / 'images' / image['file_name'])
    return said(det(kit, kit.write_coco(**content)), out=out)


@mistake('versions of one photograph in both parts')
def _(kit, out):
    other = ShapeFolder(out / 'val', 2, first=40)
    for folder, name in ((kit, 'im00'), (other, 'im40')):
        path = folder.root / f'images/{name}.png'
        path.rename(path.with_name(f'p_png.rf.{name}.png'))
        folder.names[0] = f'p_png.rf.{name}'
        folder.boxes[folder.names[0]] = folder.boxes[name]
    source = det(kit)
    return said(Source(source.labels, source.images,
                       str(other.write_coco())), out=out)


@mistake('copies of one photograph')
def _(kit, out):
    source = det(kit)
    pictures = sorted((kit.root / 'images').glob('*.png'))
    for one, two in zip(pictures[::2], pictures[1::2]):
        two.write_bytes(one.read_bytes())
    return said(source, out=out)


@mistake('a photograph in training and in validation')
def _(kit, out):
    other = ShapeFolder(out / 'val', 2, first=40)
    other.path('images/im40.png').write_bytes(
        (kit.root / 'images/im03.png').read_bytes())
    source = det(kit)
    return said(Source(source.labels, source.images,
                       str(other.write_coco())), out=out)


@mistake('one image alone')
def _(kit, out):
    return said(det(ShapeFolder(out / 'one', 1)), out=out)


def maps(kit, out, change=None, text='depth={}', kind=np.float32, **options):
    """A label per image in ``depth/NAME.npy``; ``change`` may spoil it."""
    folder = kit.root / 'depth'
    folder.mkdir()
    ramp = np.linspace(1, 5, 64 * 80).reshape(64, 80)
    for name in kit.names:
        np.save(folder / f'{name}.npy', ramp.astype(kind))
    if change:
        change(folder)
    options = {k: [v] for k, v in options.items()}
    try:
        labels = parse_labels([t.format(folder) for t in text.split()],
                              str(kit.root / 'images'), options)
    except UserError as error:
        return f'error: {error}'
    return said(out=out, labels=labels)


@mistake('depth in whole numbers without a scale')
def _(kit, out):
    return maps(kit, out, kind=np.uint16)


@mistake('depth of 8 bits')
def _(kit, out):
    return maps(kit, out, kind=np.uint8)


@mistake('depth in another unit')
def _(kit, out):
    return maps(kit, out, kind=np.uint16, scale='depth=1000', unit='depth=m')


@mistake('depth below 0')
def _(kit, out):
    return maps(kit, out, lambda folder: np.save(
        folder / 'im00.npy', np.linspace(-2, 2, 64 * 80).reshape(64, 80)))


@mistake('normals that are not of length 1')
def _(kit, out):
    return maps(
        kit, out, lambda folder: np.save(
            folder / 'im00.npy', np.full((64, 80, 3), .2)),
        'normals={}')


@mistake('a map of another size')
def _(kit, out):
    return maps(kit, out, lambda folder: np.save(
        folder / 'im00.npy', np.ones((32, 40))))


@mistake('a map without a valid pixel')
def _(kit, out):
    return maps(kit, out, lambda folder: np.save(
        folder / 'im00.npy', np.zeros((64, 80))))


@mistake('a map without an image')
def _(kit, out):
    return maps(kit, out, lambda folder: np.save(
        folder / 'spare.npy', np.ones((64, 80))))


@mistake('an image without a map')
def _(kit, out):
    return maps(kit, out, lambda folder: (folder / 'im00.npy').unlink())


@mistake('edges of which none is a yes')
def _(kit, out):
    return maps(kit, out, text='edges={}')


@mistake('a kind that there is not')
def _(kit, out):
    return maps(kit, out, text='x=flow:{}')


@mistake('two labels of one name')
def _(kit, out):
    return maps(kit, out, text='depth={} depth={}')
