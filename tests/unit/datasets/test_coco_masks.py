import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmmultas.datasets.coco import read_coco
from mmmultas.datasets.coco_masks import convert_coco, halves, rasterise
from mmmultas.datasets.folder import FolderDataset
from mmmultas.datasets.transforms.loading import decode_mask
from mmmultas.datasets.writing import write_png
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
#: Ids with holes, as COCO's.
CLASSES = {1: 'person', 3: 'car', 90: 'toothbrush'}
NUMBERS = {1: 1, 3: 2, 90: 3}
SIZE = (20, 30)


def polygon(x1, y1, x2, y2):
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def runs(x1, y1, x2, y2, size=SIZE):
    """Uncompressed runs, column after column, from background on."""
    mask = np.zeros(size, np.uint8)
    mask[y1:y2, x1:x2] = 1
    flat = mask.ravel(order='F')
    borders = np.flatnonzero(np.diff(flat, prepend=0, append=1 - flat[-1]))
    counts = np.diff(borders, prepend=0).tolist()
    return dict(size=list(size), counts=counts)


def shape(label, box, crowd=False, image=1, number=1):
    x1, y1, x2, y2 = box
    return dict(
        id=number, image_id=image, category_id=label,
        bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1),
        iscrowd=int(crowd),
        segmentation=runs(*box) if crowd else polygon(*box))


PERSON, CAR, BRUSH = (2, 2, 22, 18), (4, 4, 12, 10), (10, 6, 14, 9)


def content(first, count):
    """Images with a person, a car upon it, a brush upon both, a crowd."""
    images, shapes = [], []
    for number in range(first, first + count):
        images.append(
            dict(id=number, file_name=f'{number:012d}.jpg', height=SIZE[0],
                 width=SIZE[1]))
        if number % 5 == 4:
            continue  # nothing there
        for label, box, crowd in ((3, CAR, False), (90, BRUSH, False),
                                  (1, PERSON, False), (1, (15, 0, 30, 6),
                                                       True)):
            shapes.append(
                shape(label, box, crowd, number, 1 + len(shapes)))
    return dict(
        info=dict(year=2017),
        images=images,
        annotations=shapes,
        categories=[
            dict(id=i, name=n, supercategory='x') for i, n in CLASSES.items()
        ])


@pytest.fixture
def root(tmp_path):
    for part, first, count in (('train', 1, 9), ('val', 101, 3)):
        path = tmp_path / f'annotations/instances_{part}2017.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content(first, count)))
        for number in range(first, first + count):
            write_png(tmp_path / f'{part}2017/{number:012d}.jpg',
                      np.zeros((*SIZE, 3), np.uint8))
    return tmp_path


def convert(root, out='halves', **kwargs):
    return convert_coco(root / 'annotations/instances_train2017.json',
                        root / 'annotations/instances_val2017.json',
                        root / out, **kwargs)


def expected_mask():
    mask = np.zeros(SIZE, np.uint8)
    for value, (x1, y1, x2, y2) in ((255, (15, 0, 30, 6)), (1, PERSON),
                                    (2, CAR), (3, BRUSH)):
        mask[y1:y2, x1:x2] = value
    return mask


def test_smaller_instances_lie_on_top():
    shapes = [
        shape(3, CAR), shape(90, BRUSH), shape(1, PERSON),
        shape(1, (15, 0, 30, 6), crowd=True)
    ]
    for order in (shapes, shapes[::-1]):
        assert (rasterise(order, SIZE, NUMBERS) == expected_mask()).all()
    assert not rasterise([], SIZE, NUMBERS).any()


def test_runs_say_the_same_as_polygons():
    drawn = [
        rasterise([dict(shape(3, CAR), segmentation=s)], SIZE, NUMBERS)
        for s in (polygon(*CAR), runs(*CAR))
    ]
    assert (drawn[0] == drawn[1]).all() and drawn[0].sum() == 2 * 8 * 6


def test_halves_are_disjoint_and_whole():
    names = [f'{i}.jpg' for i in range(101)]
    first, second = halves(names, seed=3)
    assert not set(first) & set(second)
    assert sorted(first + second) == sorted(names)
    assert (len(first), len(second)) == (51, 50)
    assert halves(names[::-1], seed=3) == (first, second)
    assert halves(names, seed=4)[0] != first


def test_conversion_withholds_one_label_of_every_image(root):
    counts = convert(root)
    assert counts == dict(boxes=5, masks=4, val=3, kept=0)
    boxed = {i.file_name[:12]
             for i in read_coco(root / 'halves/boxes_train.json').images}
    masked = {p.stem for p in (root / 'halves/masks_train').iterdir()}
    assert not boxed & masked
    assert boxed | masked == {f'{i:012d}' for i in range(1, 10)}
    text = (root / 'halves/boxes_train.json').read_text()
    assert 'segmentation' not in text
    ids = {a['image_id'] for a in json.loads(text)['annotations']}
    assert ids <= {int(name) for name in boxed}


def test_folder_dataset_reads_it(root):
    convert(root)
    names = tuple(CLASSES.values())
    common = dict(
        classes=dict(det=names, seg=('background', *names)),
        pipeline=[
            dict(type='mmmultas.LoadImage'),
            dict(type='mmmultas.LoadLabels')
        ])
    out = root / 'halves'
    parts = [
        FolderDataset(str(root / 'train2017'), str(out / 'boxes_train.json'),
                      tasks=('det', ), **common),
        FolderDataset(str(root / 'train2017'),
                      masks=str(out / 'masks_train'), tasks=('seg', ),
                      **common),
        FolderDataset(str(root / 'val2017'), str(out / 'boxes_val.json'),
                      str(out / 'masks_val'), **common)
    ]
    assert [len(part) for part in parts] == [5, 4, 3]
    sample = parts[2][0]  # 101
    assert (sample['gt_seg_map'] == expected_mask()).all()
    assert sample['gt_bboxes_labels'].tolist() == [1, 2, 0, 0]
    assert sample['gt_ignore_flags'].tolist() == [False] * 3 + [True]
    empty = next(s for p in (parts[1], parts[2]) for s in p
                 if int(Path(s['img_path']).stem) % 5 == 4)
    assert not empty['gt_seg_map'].any()


def test_a_second_call_keeps_what_is_whole(root):
    convert(root)
    path = sorted((root / 'halves/masks_val').iterdir())[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert convert(root)['kept'] == 6
    assert path.read_bytes() == whole
    assert (decode_mask(whole, 'x') == expected_mask()).all()


def test_another_seed_does_not_mix_halves(root):
    convert(root)
    with pytest.raises(DataError, match='no image of this half .another seed'):
        convert(root, seed=1)
    convert(root, 'others', seed=1)


@pytest.mark.parametrize('segmentation, message', [
    ([[1, 2, 3, 4]], 'three or more points'),
    ([[1, 2, 3, 4, 5, None]], 'three or more points'),
    ([], 'neither polygons nor runs'),
    (None, 'neither polygons nor runs'),
    (dict(runs(*CAR), size=[30, 20]), "runs of the image's size"),
    (dict(size=list(SIZE), counts=[5, 10**6]), 'do not fill the image'),
    (dict(size=list(SIZE), counts='ünknown'), 'do not fill the image'),
])
def test_shapes_that_cannot_be_drawn(root, segmentation, message):
    path = root / 'annotations/instances_val2017.json'
    broken = json.loads(path.read_text())
    broken['annotations'][0]['segmentation'] = segmentation
    path.write_text(json.dumps(broken))
    with pytest.raises(
            DataError,
            match=f'instances_val2017.json has a shape of 0+101.jpg.*'
            f'{message}'):
        convert(root)


def test_contradictory_files(root):
    path = root / 'annotations/instances_val2017.json'
    good = path.read_text()
    other = json.loads(good)
    other['categories'].reverse()
    path.write_text(json.dumps(other))
    with pytest.raises(DataError, match='another order'):
        convert(root)
    path.write_text(json.dumps(content(9, 2)))
    with pytest.raises(DataError, match='both list 000000000009.jpg'):
        convert(root)
    other = json.loads(good)
    del other['images'][1]['height']
    path.write_text(json.dumps(other))
    with pytest.raises(DataError, match='height and width of 0+102.jpg'):
        convert(root)
    other = json.loads(good)
    other['images'][1]['file_name'] = '000000000101.png'
    path.write_text(json.dumps(other))
    with pytest.raises(DataError, match='differ by the suffix alone'):
        convert(root)
    with pytest.raises(ConfigError, match='not 0'):
        convert(root, workers=0)


def test_tool(root):
    run = subprocess.run(
        [sys.executable, ROOT / 'tools/dataset_converters/coco_masks.py',
         root], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.startswith(
        '5 images with boxes, 4 with masks, 3 of val'), run.stderr
    assert 'masks_train: 100%' in run.stderr
