"""A newcomer's path: two public-looking data sets, the guide's commands."""
import json

import cv2
import numpy as np
import pytest
from in_process import ROOT, run_tool

CELLS = dict(RBC=((90, 90, 220), 9), WBC=((180, 60, 120), 12),
             Platelets=((200, 80, 200), 5))
STREETS = dict(Sky=(128, 128, 128), Building=(128, 0, 0), Road=(128, 64, 128),
               Car=(64, 0, 128), Void=(0, 0, 0))
OBJECT = ('<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin>'
          '<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>')


def draw_cells(root, count):
    """Like BCCD: VOC's layout with ImageSets, three kinds of cells."""
    rng = np.random.default_rng(0)
    for folder in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True)
    names = [f'BloodImage_{i:05d}' for i in range(count)]
    for name in names:
        image = rng.integers(200, 220, (96, 128, 3), np.uint8)
        objects = ''
        for kind, (colour, r) in CELLS.items():
            x, y = (int(rng.integers(r, s - r)) for s in (128, 96))
            cv2.circle(image, (x, y), r, colour, -1)
            objects += OBJECT.format(kind, x - r + 1, y - r + 1, x + r, y + r)
        cv2.imwrite(str(root / f'JPEGImages/{name}.jpg'), image)
        (root / f'Annotations/{name}.xml').write_text(
            f'<annotation>{objects}</annotation>')
    for part, listed in (('train', names[:-4]), ('val', names[-4:-2]),
                         ('test', names[-2:])):
        (root / f'ImageSets/Main/{part}.txt').write_text('\n'.join(listed))


def draw_streets(root, count):
    """Like CamVid: colour masks *_L.png, a list of colours, a part val."""
    rng = np.random.default_rng(1)
    palette = np.array(list(STREETS.values()), np.uint8)
    for part, numbers in (('train', range(count - 2)), ('val', range(
            count - 2, count))):
        for folder in (part, f'{part}_labels'):
            (root / folder).mkdir(parents=True)
        for i in numbers:
            mask = np.repeat([0, 1, 2, 4], (30, 25, 36, 5))[:, None].repeat(
                128, 1)
            x = int(rng.integers(0, 100))
            mask[60:75, x:x + 25] = 3
            colours = palette[mask]
            image = colours // 2 + rng.integers(50, 90, colours.shape,
                                                np.uint8)
            name = f'0001TP_{i:06d}'
            cv2.imwrite(str(root / f'{part}/{name}.png'), image[..., ::-1])
            cv2.imwrite(str(root / f'{part}_labels/{name}_L.png'),
                        colours[..., ::-1])
    (root / 'label_colors.txt').write_text(''.join(
        f'{r} {g} {b}\t\t{n}\n' for n, (r, g, b) in STREETS.items()))


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp('home')
    draw_cells(home / 'BCCD', 10)
    draw_streets(home / 'CamVid', 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        yield home


@pytest.fixture(scope='module')
def project(home):
    """What new_project.py printed."""
    return run_tool(
        'new_project', '--det', 'BCCD', '--seg', 'CamVid/train_labels',
        '--seg-images', 'CamVid/train', '--out', 'my/config.py')


def test_from_two_data_sets_to_a_config(home, project):
    done = project
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ('Sky = #808080, Building = #800000', 'RBC 6',
                  '#000000 is ignored, as CamVid/label_colors.txt says',
                  'masks are called *_L.png',
                  'validation: CamVid/val_labels',
                  'train.txt (6 images) and val.txt (2)', '8 bits',
                  'efflite0_fpn (no GPU is visible)', 'No problem found.'):
        assert words in done.stdout, (words, done.stdout)
    lines = done.stdout.rstrip().split('\n')
    assert lines[-1] == f'python {ROOT}/tools/train.py my/config.py'
    assert len(lines) <= 45

    done = run_tool('check_data', 'my/config.py', '--out', 'report.json')
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((home / 'report.json').read_text())
    assert report['num_problems'] == 0
    assert {s['name']: s['images'] for s in report['streams']} == {
        'train/det': 6, 'train/seg': 6, 'val/det, test/det': 2,
        'val/seg, test/seg': 2}


@pytest.mark.slow
def test_from_a_config_to_pictures(home, project):
    small = ('model.backbone.init_cfg=None', 'train_cfg.max_epochs=1')
    done = run_tool('train', 'my/config.py', '--work-dir', 'work',
                    '--cfg-options', *small)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (home / 'work/epoch_1.pth').is_file()
    done = run_tool('test', 'my/config.py', 'work/epoch_1.pth',
                    '--work-dir', 'work')
    assert done.returncode == 0, done.stderr[-3000:]
    done = run_tool('predict', 'work/epoch_1.pth', 'BCCD/JPEGImages',
                    '--out', 'pictures')
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list((home / 'pictures').rglob('*.jpg'))) == 10
