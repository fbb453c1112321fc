"""Small inputs on which own data once went wrong without a word.

Each is read rightly, or named with an example and a mend that fits. They are
no part of the repository: ``../shared/cases``.
"""
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from in_process import run_tool
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmmultas.datasets import LoadImage
from mmmultas.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / 'shared/cases'
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason='../shared/cases is not there')

#: Case → sentences that must be said, and the exit code.
SAID = {
    '01_masks_0_255': (0, ['255 is a class, since 0 is the only other value',
                           'background = 0, class_255 = 255']),
    '02_masks_0_255_named': (0, ['background = 0, thing = 255']),
    '03_masks_beside_images': (0, [r'masks are called \*_mask.png']),
    '06_two_kinds_of_masks': (1, [
        r'2 kinds: \*_instanceIds.png \(10\), \*_labelIds.png \(10\).*'
        '--mask-suffix _labelIds.png']),
    '08_own_classes_in_voc_layout': (0, [
        'named by seg/class_names.txt: background = 0, crack = 1, spall = 2']),
    '10_exif_180': (0, ['8 have an EXIF tag that turns them']),
    '12_exif_90': (0, ['8 have an EXIF tag that turns them',
                       'images: 120×160']),
    '13_tiff_12_bits_in_16': (1, [
        'nearly black for the network: the brightest value is 9 of 255, '
        'since they use the lower part of their 16 bits', 'stretched']),
    '14_boxes_too_small_to_learn': (0, [
        'the network sees 448×448, where nine of ten boxes are above 8']),
    '15_all_iscrowd': (1, ['20 boxes, all of them crowds.*set `iscrowd` to '
                           '0']),
    '18_bbox_xyxy': (1, [r'look like x1, y1, x2, y2, for example \[72, 21, '
                         r'93, 42\].*write \[x1, y1, x2 - x1, y2 - y1\]']),
    '19_image_ids_text': (1, [
        "for example 0; ids of its images are such as '000000'; write the "
        'ids of images and annotations alike']),
    '21_label_studio': (0, ['boxes: 20: disc 13, square 7']),
    '23_roboflow_augmented': (0, ['24 images are versions of photographs']),
    '24_xml_without_size': (0, ['boxes: 19: disc 12, square 7']),
    '25_xml_reversed_boxes': (1, [r'reversed, xmin > xmax or ymin > ymax '
                                  r'\(93, 22, 73, 42\); swap the two']),
    '26_two_bndbox': (0, ['boxes: 16: disc 6, square 10']),
    '27_class_names_of_two_spellings': (1, [
        'classes Disc and disc, which differ by their spelling only; if '
        'they are one class: `label_map']),
    '28_grey_soft_edges': (1, ['smooth edges of two classes.*--seg-classes '
                               'background=0-127 thing=128-255']),
    '29_yolo_txt': (0, ['YOLO txt, converted into .*x_boxes.json']),
    '32_voc_lists': (0, [r'train.txt \(6 images\) and val.txt \(3\)',
                         'test.txt names 3 images, which take no part']),
    '33_300_boxes_in_an_image': (1, [
        'up to 305 boxes in an image .*network lets 200 out.*'
        'max_per_img=400']),
    '34_one_class_of_masks': (1, [r'one value alone \(0\)']),
}


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Run the command of a case's README once."""
    done = {}

    def command(name):
        if name not in done:
            out = tmp_path_factory.mktemp(name) / 'x.py'
            told = re.search(r'Command: python tools/new_project.py (.*)',
                             (CASES / name / 'README').read_text())
            words = shlex.split(told[1].replace('--out x.py', f'--out {out}'))
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(CASES / name)
                done[name] = run_tool('new_project', *words), out
        return done[name]

    return command


def test_every_case_is_looked_at():
    assert {p.name for p in CASES.iterdir() if p.is_dir()} <= set(SAID)


@pytest.mark.parametrize('name', SAID)
def test_what_is_said(run, name):
    code, sentences = SAID[name]
    done, out = run(name)
    told = done.stdout + done.stderr
    assert done.returncode == code, told[-3000:]
    assert 'Traceback' not in told
    for sentence in sentences:
        assert re.search(sentence, told), (sentence, told)
    assert ('No problem found.' in told) == (code == 0)
    if 'found.' in done.stdout:
        summary, verdict = (done.stdout.index(w) for w in (
            'Summary: is this', 'found.'))
        assert summary < verdict
    if not code or '(to be looked at)' in done.stdout and (
            'cannot be right' not in done.stdout):
        assert done.stdout.rstrip().endswith(
            f'python {ROOT}/tools/train.py {out}')


def build(out, split, task):
    init_default_scope('mmdet')
    cfg = Config.fromfile(out)
    data = DATASETS.build(cfg[f'{split}_dataloader'][task].dataset)
    return data, [data[i] for i in range(len(data))]


@pytest.mark.parametrize('name, classes', [
    ('01_masks_0_255', 2), ('02_masks_0_255_named', 2),
    ('03_masks_beside_images', 3), ('08_own_classes_in_voc_layout', 3)])
def test_masks_are_what_they_were_drawn_as(run, name, classes):
    """Every class has pixels, nothing is ignored, images are photographs."""
    _, samples = build(run(name)[1], 'val', 'seg')
    seen = set()
    for sample in samples:
        mask = np.asarray(sample['data_samples'].gt_sem_seg.sem_seg)
        seen |= set(np.unique(mask).tolist())
        assert str(sample['data_samples'].img_path).endswith('.jpg')
    assert seen == set(range(classes))


@pytest.mark.parametrize('name', ['21_label_studio', '29_yolo_txt'])
def test_boxes_are_those_of_another_form(run, name):
    """All of these cases show the same images."""
    truth = json.loads(
        (CASES / '01_masks_0_255/det/boxes.json').read_text())
    names = {i['id']: Path(i['file_name']).stem for i in truth['images']}
    drawn = {}
    for a in truth['annotations']:
        x, y, w, h = a['bbox']
        drawn.setdefault(names[a['image_id']], []).append(
            (x, y, x + w, y + h))
    for split in ('train', 'val'):
        data, _ = build(run(name)[1], split, 'det')
        for i in range(len(data)):
            info = data.get_data_info(i)
            found = sorted(tuple(x['bbox']) for x in info['instances'])
            assert np.allclose(
                found, sorted(drawn[Path(info['img_path']).stem]), atol=0.6)


def test_versions_of_one_photograph_are_in_one_part(run):
    out = run('23_roboflow_augmented')[1]
    parts = [{Path(build(out, split, 'det')[0].get_data_info(i)[
        'img_path']).name.partition('.rf.')[0]
        for i in range(len(build(out, split, 'det')[0]))}
        for split in ('train', 'val')]
    assert parts[0] and parts[1] and not parts[0] & parts[1]


@pytest.mark.parametrize('name', ['10_exif_180', '12_exif_90'])
def test_boxes_lie_on_the_upright_picture(run, name):
    """The middle of a box is no background, that of its mirror image is."""
    data, _ = build(run(name)[1], 'train', 'det')
    right, wrong = [], []
    for i in range(len(data)):
        info = data.get_data_info(i)
        image = LoadImage().transform(dict(img_path=info['img_path']))['img']
        away = np.abs(image.astype(float) - np.median(image, (0, 1))).sum(-1)
        for box in info['instances']:
            x, y = (int(sum(box['bbox'][k::2]) / 2) for k in (0, 1))
            right.append(away[y, x])
            wrong.append(away[-y, -x])
    assert np.mean(right) > 2 * np.mean(wrong)


def test_lists_are_the_parts(run):
    out = run('32_voc_lists')[1]
    lists = CASES / '32_voc_lists/det/ImageSets/Main'
    for split in ('train', 'val'):
        data, _ = build(out, split, 'det')
        names = {Path(data.get_data_info(i)['img_path']).stem
                 for i in range(len(data))}
        assert names == set((lists / f'{split}.txt').read_text().split())


def test_the_second_box_of_an_object_is_learnt(run):
    out = run('26_two_bndbox')[1]
    written = sum(p.read_text().count('<bndbox>') for p in (
        CASES / '26_two_bndbox/det/xml').glob('*.xml'))
    found = sum(len(build(out, split, 'det')[0].get_data_info(i)['instances'])
                for split in ('train', 'val')
                for i in range(len(build(out, split, 'det')[0])))
    assert found == written == 20
