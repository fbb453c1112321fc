import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmmultas.projects.data_check import check_data
from mmmultas.projects.labels import parse_labels
from mmmultas.projects.new_project import (TEMPLATE, VAL_SHARE, Source,
                                           new_project, project_text)
from mmmultas.projects.schedule import EPOCHS
from mmmultas.registry import DATASETS
from mmmultas.testing import SHAPES, Devkit, ShapeFolder
from mmmultas.testing.label_files import write_polygons, write_yolo
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def kits(tmp_path):
    """Boxes and masks; a second kit of each for validation."""
    kits = [ShapeFolder(tmp_path / name, 12, prefix=name, first=first)
            for name, first in (('a', 0), ('b', 20), ('c', 40), ('d', 60))]
    for kit in kits:
        kit.write_coco()
        kit.write_masks(values=(0, 1, 2, 9))
    return kits


def sources(kits, val=()):
    a, b = (str(k.root) for k in kits[:2])
    c, d = (str(k.root) for k in kits[2:])
    det = dict(labels=f'{a}/boxes.json')
    seg = dict(labels=f'{b}/masks', images=f'{b}/images')
    if 'det' in val:
        det['val_labels'] = f'{c}/boxes.json'
    if 'seg' in val:
        seg.update(val_labels=f'{d}/masks', val_images=f'{d}/images')
    return Source(**det), Source(**seg)


def said(project):
    return '\n'.join(f for _, facts in project.facts for f in facts)


def counts_of(cfg):
    init_default_scope('mmdet')
    return {(split, task): len(DATASETS.build(loader.dataset))
            for split in ('train', 'val')
            for task, loader in cfg[f'{split}_dataloader'].items()}


def test_the_config_fits_the_data(kits, tmp_path):
    out = str(tmp_path / 'sub/my.py')
    project = new_project(
        *sources(kits), out, ('background', *SHAPES), 'rn18_fpn')
    cfg = Config.fromfile(out)
    assert cfg.model.backbone.depth == 18
    assert cfg.model.heads.det.num_classes == 3
    assert cfg.model.heads.seg.num_classes == 4
    assert cfg.mask_values == (0, 1, 2, 9) and cfg.img_size == 96
    assert cfg.auto_scale_lr.base_batch_size == 2 * cfg.batch_size
    assert cfg.batch_size <= min(project.train.values())
    assert [c.type for c in cfg.model.companions.values()] == [
        'mmmultas.BoxForMask', 'mmmultas.MaskForBox']
    assert not check_data(cfg).problems
    text = Path(out).read_text()
    for old, new, words in (
            ("tasks = ('det', 'seg')", "tasks = ('det', )",
             '`model.companions.b4m` joins boxes and masks, but no head is'),
            ("= ('b4m', 'm4b')", "= 'b4m'", '')):
        assert old in text
        Path(out).with_name('changed.py').write_text(text.replace(old, new))
        changed = Config.fromfile(Path(out).with_name('changed.py'))
        assert [words in str(p) for p in check_data(changed).problems] == [
            True] * bool(words)
        assert words or list(changed.model.companions) == ['b4m']
    assert counts_of(cfg) == {('train', 'det'): 10, ('train', 'seg'): 10,
                              ('val', 'det'): 2, ('val', 'seg'): 2}
    assert project.train == dict(det=10, seg=10) and project.val == dict(
        det=2, seg=2)
    text = said(project)
    assert 'triangle = 9' in text and 'sees 96×96' in text
    assert 'COCO json, read in place' in text and 'rn18_fpn' in text
    held = Path(cfg.val_list).read_text().split()
    assert len(held) == 4 and {n[0] for n in held} == {'a', 'b'}


@pytest.mark.parametrize('val', [('det', ), ('seg', ), ('det', 'seg')])
def test_validation_of_ones_own(kits, tmp_path, val):
    out = str(tmp_path / 'my.py')
    project = new_project(*sources(kits, val), out)
    assert '--seg-classes' in said(project)
    for task in ('det', 'seg'):
        whole = task in val
        assert (project.train[task] == 12) == whole
    report = check_data(Config.fromfile(out))
    assert not report.problems
    assert {s.name.split(',')[0]: len(s.digests) for s in report.streams} == {
        f'{split}/{task}': count
        for split, counts in (('train', project.train), ('val', project.val))
        for task, count in counts.items()}


def test_images_that_both_share_need_one_option(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 8)
    project = new_project(
        Source(str(kit.write_xml()), str(tmp_path / 'own/images')),
        Source(str(kit.write_masks())), str(tmp_path / 'my.py'))
    assert project.values['seg_images'] == str(tmp_path / 'own/images')
    assert not check_data(Config.fromfile(project.out)).problems


@pytest.mark.parametrize('task', ['det', 'seg'])
def test_one_task_alone(kits, tmp_path, task):
    det, seg = sources(kits)
    project = new_project(det if task == 'det' else None,
                          seg if task == 'seg' else None,
                          str(tmp_path / 'my.py'), model='rn18_fpn')
    cfg = Config.fromfile(project.out)
    assert list(cfg.train_dataloader) == list(cfg.val_evaluator) == [task]
    other = dict(det='seg', seg='det')[task]
    assert cfg.model.heads[other] is None and cfg.model.heads[task]
    assert cfg.model.task_weights == {task: 1.0}
    assert len(cfg.val_cfg.selection) == 1
    assert cfg.auto_scale_lr.base_batch_size == cfg.batch_size
    assert not check_data(cfg).problems
    with pytest.raises(ConfigError, match='--det, masks .* with --label'):
        new_project(None, None, str(tmp_path / 'none.py'))


def test_versions_of_a_photograph_stay_together(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 10)
    entries = json.loads(kit.write_coco().read_text())
    for i, entry in enumerate(entries['images']):
        old = kit.root / 'images' / entry['file_name']
        entry['file_name'] = f'p{i // 2}_png.rf.{i:08x}.png'
        old.rename(kit.root / 'images' / entry['file_name'])
    path = str(kit.write_coco(**entries))
    project = new_project(Source(path), None, str(tmp_path / 'my.py'))
    held = Path(project.values['val_list']).read_text().split()
    assert len(held) == 2 and len({n.partition('.rf.')[0] for n in held}) == 1
    assert '10 images are versions' in said(project)
    assert not check_data(Config.fromfile(project.out)).problems


def test_copies_by_content_stay_together(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 10)
    pictures = sorted((kit.root / 'images').glob('*.png'))
    for one, other in zip(pictures[::2], pictures[1::2]):
        other.write_bytes(one.read_bytes())
    project = new_project(Source(str(kit.write_coco())), None,
                          str(tmp_path / 'my.py'))
    assert project.val == dict(det=2)
    assert 'copies of others by content' in said(project)
    assert not check_data(Config.fromfile(project.out)).problems


def test_lists_of_voc_are_used(tmp_path):
    kit = Devkit(tmp_path)
    names = [f'i{n}' for n in range(8)]
    for place, name in enumerate(names):
        kit.add(name)
        image = tmp_path / f'VOC2012/JPEGImages/{name}.jpg'
        Image.new('RGB', (60, 40), (place * 20, 99, 200)).save(image)
    kit.ids(names[:5], 'ImageSets/Main/train.txt')
    kit.ids(names[5:7], 'ImageSets/Main/val.txt')
    kit.ids(names[7:], 'ImageSets/Main/test.txt')
    project = new_project(Source(str(tmp_path)), None,
                          str(tmp_path / 'my.py'))
    assert (project.train, project.val) == (dict(det=5), dict(det=2))
    assert counts_of(Config.fromfile(project.out)) == {
        ('train', 'det'): 5, ('val', 'det'): 2}
    assert 'train.txt (5 images) and val.txt (2)' in said(project)
    assert 'test.txt names 1 images' in said(project)


def test_a_folder_beside_train_is_validation(tmp_path):
    for part, count, first in (('train', 6, 0), ('valid', 3, 20),
                               ('test', 2, 40)):
        kit = ShapeFolder(tmp_path / part, count, first=first)
        kit.write_coco('images/_annotations.coco.json')
        for path in (kit.root / 'images').iterdir():
            path.rename(kit.root / path.name)
    project = new_project(Source(str(tmp_path)), None,
                          str(tmp_path / 'my.py'))
    assert (project.train, project.val) == (dict(det=6), dict(det=3))
    assert 'test is not used' in said(project)
    assert not check_data(Config.fromfile(project.out)).problems


def test_two_images_give_batches_of_two(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 2)
    project = new_project(Source(str(kit.write_coco())), None,
                          str(tmp_path / 'my.py'))
    cfg = Config.fromfile(project.out)
    assert cfg.batch_size == 2 and cfg.drop_last is False
    assert cfg.train_dataloader.det.drop_last is False
    assert (project.train, project.val) == (dict(det=1), dict(det=1))


def test_the_network_fits_the_machine(tmp_path, monkeypatch):
    kit = ShapeFolder(tmp_path / 'own', 4)
    det = Source(str(kit.write_coco()))
    project = new_project(det, None, str(tmp_path / 'cpu.py'))
    assert 'models/efflite0_fpn.py' in project.values['_base_'][0]
    assert 'efflite0_fpn (no GPU is visible)' in said(project)
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    project = new_project(det, None, str(tmp_path / 'gpu.py'))
    assert 'models/rn50_pafpn.py' in project.values['_base_'][0]


def test_mistakes(kits, tmp_path):
    det, seg = sources(kits, ('seg', ))
    out = tmp_path / 'my.py'
    for name in ('my.txt', str(tmp_path)):
        with pytest.raises(ConfigError, match='no .py file'):
            new_project(det, seg, name)
    with pytest.raises(ConfigError, match='2 classes.*4 values'):
        new_project(det, seg, str(out), ('a', 'b'))
    with pytest.raises(ConfigError, match="--ignore has the value 'red'"):
        new_project(det, seg, str(out), ignore=['red'])
    with pytest.raises(ConfigError, match='--ignore and --mask-suffix are of '
                       'masks'):
        new_project(det, None, str(out), ignore=['0'])
    with pytest.raises(ConfigError, match='--val-det-images names images.*'
                       'with --val-det'):
        new_project(Source(det.labels, val_images=str(tmp_path)), None,
                    str(out))
    shapes = Source(str(write_polygons(kits[0])))
    with pytest.raises(ConfigError, match='shapes.json .COCO json. has its'):
        new_project(None, shapes, str(out), ('a', 'b'))
    with pytest.raises(ConfigError, match='--mask-suffix is of PNG masks'):
        new_project(None, shapes, str(out), mask_suffix='_m.png')
    lonely = ShapeFolder(tmp_path / 'one', 1)
    with pytest.raises(ConfigError, match='--det has one image alone'):
        new_project(Source(str(lonely.write_coco())), seg, str(out))
    assert not list(tmp_path.glob('my*'))


def test_the_constants_are_those_of_the_template():
    cfg = Config.fromfile(TEMPLATE)
    assert cfg.train_cfg.max_epochs == EPOCHS
    assert cfg.val_share == VAL_SHARE


def test_a_part_beside_training_that_cannot_be_used_is_said(tmp_path):
    kit = ShapeFolder(tmp_path / 'train', 5)
    kit.write_coco()
    (tmp_path / 'val').mkdir()
    (tmp_path / 'val/boxes.json').write_text('{}')
    project = new_project(Source(str(tmp_path / 'train/boxes.json')), None,
                          str(tmp_path / 'my.py'))
    assert project.val == dict(det=1)
    assert 'val/boxes.json is not used: ' in said(project)


def test_images_in_a_folder_of_parts(tmp_path):
    """``images/train`` belongs to ``train.json``, ``images/val`` to val's."""
    for part, first in (('train', 0), ('val', 20)):
        kit = ShapeFolder(tmp_path / part, 4, first=first)
        kit.write_coco().rename(tmp_path / f'{part}.json')
        (tmp_path / 'images').mkdir(exist_ok=True)
        (kit.root / 'images').rename(tmp_path / 'images' / part)
    project = new_project(
        Source(str(tmp_path / 'train.json'), str(tmp_path / 'images')), None,
        str(tmp_path / 'my.py'))
    assert (project.train, project.val) == (dict(det=4), dict(det=4))
    assert not [p for p in check_data(Config.fromfile(project.out)).problems
                if p.kind != 'rare']


def test_what_was_found_is_told(kits, tmp_path):
    text = project_text(new_project(*sources(kits), str(tmp_path / 'my.py')))
    assert 'values of the masks\n  classes named by the values' in text
    assert text.endswith(f'Written: {tmp_path}/my.py')


def test_masks_of_another_time_are_not_mixed_in(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 4)
    path = str(write_polygons(kit))
    project = new_project(None, Source(path), str(tmp_path / 'my.py'))
    assert len(list((tmp_path / 'my_masks').glob('*.png'))) == 4
    Path(project.out).unlink()
    with pytest.raises(ConfigError, match='my_masks exists already'):
        new_project(None, Source(path), str(tmp_path / 'my.py'))


def test_further_labels_alone(rooms, tmp_path):
    labels = parse_labels(
        [f'depth={rooms}/depth', f'normals={rooms}/normals',
         f'parts=classes:{rooms}/parts', f'lines=edges:{rooms}/edges'],
        str(rooms / 'images'), dict(scale=['depth=0.001'], unit=['depth=m']),
        [['parts', 'arm', 'leg']])
    project = new_project(None, None, str(tmp_path / 'my.py'),
                          model='rn18_fpn', labels=labels)
    cfg = Config.fromfile(project.out)
    tasks = ('depth', 'normals', 'parts', 'lines')
    assert cfg.tasks == tasks and project.val == dict.fromkeys(tasks, 1)
    [stream] = cfg.train_dataloader.values()
    assert stream.dataset.tasks == tasks
    heads = {k: h for k, h in cfg.model.heads.items() if h}
    assert {t: h.kind for t, h in heads.items()} == dict(
        depth='depth', normals='normals', parts='classes', lines='edges')
    assert heads['parts'].num_classes == 2
    assert heads['depth'].in_channels == 256
    assert cfg.model.task_weights == dict.fromkeys(tasks, 1.0)
    assert {k: v for k, v in cfg.val_cfg.selection.items()} == {
        'depth/rel_err': -100, 'normals/within_22.5': 1, 'parts/mIoU': 1,
        'lines/odsF': 1}
    assert list(cfg.val_evaluator) == list(tasks)
    assert cfg.auto_scale_lr.base_batch_size == cfg.batch_size
    assert not check_data(cfg).problems
    sample = DATASETS.build(stream.dataset)[0]['data_samples']
    assert float(sample.gt_depth.data.max()) < 10


def test_boxes_and_a_further_label(kits, tmp_path):
    kit = kits[0]
    (kit.root / 'maps').mkdir()
    for name in kit.names:
        np.save(kit.root / f'maps/{name}.npy', np.arange(1., 5121).reshape(
            kit.size))
    [label] = parse_labels([f'far=depth:{kit.root}/maps'])
    det, _ = sources(kits)
    project = new_project(det, None, str(tmp_path / 'my.py'), labels=[label])
    cfg = Config.fromfile(project.out)
    assert list(cfg.train_dataloader) == ['det', 'far'] == list(cfg.tasks)
    assert cfg.model.heads.seg is None and cfg.model.heads.far.kind == 'depth'
    assert set(cfg.val_cfg.selection) == {'det/mAP', 'far/rel_err'}
    assert not check_data(cfg).problems


def test_lists_beside_the_images_are_used(rooms, tmp_path):
    [label] = parse_labels([f'normals={rooms}/normals'])
    (rooms / 'train.txt').write_text('0\n1\n2\n3\n')
    (rooms / 'val.txt').write_text('4\n')
    project = new_project(None, None, str(tmp_path / 'a.py'), labels=[label])
    assert 'not used: 1 images are in neither (5)' in said(project)
    (rooms / 'val.txt').write_text('4\n5\n')
    project = new_project(None, None, str(tmp_path / 'b.py'), labels=[label])
    assert '2 of 6 images are held out, those of' in said(project)
    held = Path(project.values['val_list']).read_text().split()
    assert held == ['4', '5'] and project.train == dict(normals=4)


def test_a_second_detector(kits, tmp_path):
    kit = kits[0]
    yolo = write_yolo(kit)  # has to be converted
    [label] = parse_labels([f'things=boxes:{yolo}'])
    det, _ = sources(kits)
    project = new_project(det, None, str(tmp_path / 'my.py'), labels=[label])
    cfg = Config.fromfile(project.out)
    entry = cfg.further.things.labels.things
    assert entry.root == str(tmp_path / 'my_things.json')
    assert tuple(entry.classes) == SHAPES
    things = cfg.model.heads.things
    assert (things.kind, things.num_classes) == ('boxes', 3)
    assert things.anchors == cfg.model.heads.det.anchors
    assert set(cfg.val_cfg.selection) == {'det/mAP', 'things/mAP'}
    report = check_data(cfg)
    assert not report.problems
    assert report.streams[1].detectors['things'].boxes == (
        report.streams[0].boxes)
