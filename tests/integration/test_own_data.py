"""From folders to a trained model, and every kind of broken file."""
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from in_process import run_tool
from mmengine.config import Config
from PIL import Image

from mmmultas.projects.new_project import Source, new_project
from mmmultas.datasets.folder import FolderDataset
from mmmultas.testing import ShapeFolder, toy_model
from mmmultas.testing.scenes import CLASSES, write_scenes
from mmmultas.utils.launch import build_runner

ROOT = Path(__file__).resolve().parents[2]


def tool(name, *arguments):
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1',
               PYTHONWARNINGS='ignore')
    return subprocess.run(
        [sys.executable, str(ROOT / f'tools/{name}.py'),
         *map(str, arguments)], env=env, capture_output=True, text=True,
        timeout=300)


@pytest.fixture
def own(tmp_path):
    """Boxes on twelve images, masks on twelve others."""
    boxes = ShapeFolder(tmp_path / 'boxes', 12)
    boxes.write_xml()
    masks = ShapeFolder(tmp_path / 'masks', 12, prefix='m', first=30)
    masks.write_masks()
    return boxes, masks


def arguments(own, out):
    boxes, masks = own
    return ('--det', boxes.root / 'xml', '--det-images', boxes.root / 'images',
            '--seg', masks.root / 'masks', '--seg-images',
            masks.root / 'images', '--model', 'rn18_fpn', '--out', out)


def test_from_folders_to_a_training_step(own, tmp_path):
    config = tmp_path / 'my.py'
    done = tool('new_project', *arguments(own, config))
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'No problem found.' in done.stdout
    assert 'triangle' in done.stdout
    assert done.stdout.rstrip().endswith(f'python tools/train.py {config}')
    cfg = Config.fromfile(config)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.model = toy_model()  # RN18 would take a minute
    cfg.model['heads']['det']['num_classes'] = 3
    cfg.model['heads']['seg']['num_classes'] = 4
    cfg.train_cfg.update(max_epochs=1, epoch_length=1)
    for key in ('train', 'val', 'test'):
        for loader in cfg[f'{key}_dataloader'].values():
            loader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 1 and (tmp_path / 'work/epoch_1.pth').is_file()
    scores = runner.message_hub.log_scalars
    assert 'val/det/mAP' in scores and 'val/seg/mIoU' in scores


def test_from_maps_to_a_training_step(tmp_path):
    """Depth, normals and classes of drawn rooms, by the command of the docs.
    """
    rooms, config = tmp_path / 'rooms', tmp_path / 'my.py'
    write_scenes(rooms, 6, 2)
    done = run_tool(
        'new_project', '--label', f'depth={rooms}/depth', '--scale',
        'depth=0.001', '--unit', 'depth=m', '--label',
        f'normals={rooms}/normals', '--label',
        f'surface=classes:{rooms}/classes', '--images', rooms / 'images',
        '--label-classes', 'surface', *CLASSES, '--out', config)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert 'No problem found.' in done.stdout
    assert re.search(r'depth: 1\.\d+ to \d\.\d+ m, middle', done.stdout)
    assert '2 of 8 images are held out, those of' in done.stdout
    stream = 'depth_normals_surface'
    assert f'train/{stream}: 6 images' in done.stdout
    assert (tmp_path / f'my_pictures/train_{stream}.png').is_file()
    cfg = Config.fromfile(config)
    cfg.work_dir = str(tmp_path / 'work')
    heads = {task: dict(head, in_channels=8, channels=8, num_levels=2,
                        num_refine_convs=0)
             for task, head in cfg.model.heads.items() if head}
    cfg.model = dict(toy_model(), heads=heads)
    cfg.train_cfg.update(max_epochs=1, epoch_length=1)
    for key in ('train', 'val', 'test'):
        for loader in cfg[f'{key}_dataloader'].values():
            loader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg)
    runner.train()
    scores = runner.message_hub.log_scalars
    for name in ('depth/rel_err', 'normals/within_22.5', 'surface/mIoU'):
        assert f'val/{name}' in scores
    assert list((tmp_path / 'work').glob('best_score_*.pth'))


@pytest.mark.parametrize('tasks', [('det', ), ('seg', ), ('det', 'seg')])
def test_two_images_train_for_one_task_or_two(tmp_path, tasks):
    """One image in a batch of two, the other in validation."""
    kit = ShapeFolder(tmp_path / 'own', 2)
    images = str(kit.root / 'images')
    sources = dict(det=Source(str(kit.write_xml()), images),
                   seg=Source(str(kit.write_masks()), images))
    project = new_project(*(sources[t] if t in tasks else None
                            for t in ('det', 'seg')),
                          str(tmp_path / 'my.py'))
    cfg = Config.fromfile(project.out)
    classes = {t: cfg.model['heads'][t]['num_classes'] for t in tasks}
    cfg.work_dir = str(tmp_path / 'work')
    cfg.model = toy_model(tasks)  # EfficientNet would take seconds
    for task, count in classes.items():
        cfg.model['heads'][task]['num_classes'] = count
    cfg.train_cfg.max_epochs = 2
    for key in ('train', 'val', 'test'):
        for loader in cfg[f'{key}_dataloader'].values():
            loader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    scores = runner.message_hub.log_scalars
    for task in tasks:
        assert f'train/{task}.loss_{"cls" if task == "det" else "ce"}' in (
            scores)
    assert ('val/det/mAP' in scores) == ('det' in tasks)
    assert ('val/seg/mIoU' in scores) == ('seg' in tasks)
    assert list((tmp_path / 'work').glob('best_score_*.pth'))


def test_everything_broken_is_listed_in_one_run(own, tmp_path):
    config, out = tmp_path / 'my.py', tmp_path / 'report.json'
    boxes, masks = own
    new_project(
        Source(str(boxes.root / 'xml'), str(boxes.root / 'images')),
        Source(str(masks.root / 'masks'), str(masks.root / 'images')),
        str(config))
    held = (tmp_path / 'my_val.txt').read_text().split()
    twin = next(n for n in masks.names if n > 'm33' and n not in held)
    image = boxes.root / 'images/im00.png'
    image.write_bytes(image.read_bytes()[:200])
    (boxes.root / 'xml/im01.xml').write_text('<annotation>')
    (boxes.root / 'xml/im02.xml').write_text('<annotation></annotation>')
    boxes.one_xml('im03', [('circle', (60, 1, 99, 20)), ('hexagon',
                                                         (1, 1, 9, 9))])
    boxes.one_xml('im04', [('square', (9, 9, 9, 20)), ('square',
                                                       (90, 1, 99, 20))])
    (boxes.root / 'images/im05.png').unlink()
    for name, value, height in (('m30', 9, 64), ('m31', 0, 50)):
        Image.fromarray(np.full((height, 80), value, np.uint8)).save(
            masks.root / f'masks/{name}.png')
    (masks.root / 'masks/m32.png').write_bytes(b'x')
    (masks.root / 'images/m33.png').write_bytes(
        (masks.root / f'images/{twin}.png').read_bytes())
    # not labelled: nobody needs it
    (masks.root / 'images/zz.png').write_bytes(b'x')
    done = tool('check_data', config, '--out', out, '--cfg-options',
                'val_dataloader.seg.dataset.part=None',
                'val_dataloader.seg.dataset.names=None')
    assert done.returncode == 1, done.stderr[-3000:]
    report = json.loads(out.read_text())
    told = {(Path(p['file']).name, p['reason']) for p in report['problems']}
    for name, words in (
            ('im00.png', 'truncated'), ('im01.xml', 'no usable XML'),
            ('im03.xml', 'leaves its'),
            ('im03.xml', "'hexagon'"), ('im04.xml', 'without width'),
            ('im04.xml', 'wholly outside'), ('im05', 'no such image'),
            ('m30.png', 'label set (9)'), ('m31.png', 'is 80×50'),
            ('m32.png', 'no mask'), (f'{twin}.png', 'same photograph')):
        assert any(n == name and words in reason
                   for n, reason in told), (name, words, told)
    assert not any(n == 'zz.png' for n, _ in told)
    assert f'{report["num_problems"]} problems found.' in done.stdout
    assert 'Traceback' not in done.stderr
    for problem in report['problems']:
        assert problem['file'] in done.stdout and problem['mend']


def test_a_missing_list_is_a_problem_and_a_missing_config_an_error(tmp_path):
    done = tool('check_data', 'configs/none.py')
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(
        'error: Config configs/none.py does not exist')
    config = ROOT / 'configs/multas/rn50_pafpn_mtl_custom.py'
    done = tool('check_data', config, '--num-workers', '0', '--cfg-options',
                f'val_dataloader.det.dataset.boxes={tmp_path}/gone.json')
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'data/own/det/images is no folder' in done.stdout
    assert done.stdout.rstrip().endswith('problems found.')


def test_options_that_would_change_nothing_are_refused(tmp_path):
    done = run_tool('new_project', '--det', 'x.json', '--val-seg', 'y',
                    '--out', tmp_path / 'my.py')
    assert done.returncode == 1
    assert '--val-seg needs --seg: the labels of training.' in done.stderr


def test_the_guide_names_what_there_is():
    guide = (ROOT / 'docs/own_data.md').read_text()
    config = Config.fromfile(ROOT / 'configs/multas/rn50_pafpn_mtl_custom.py')
    start, end = (guide.index(w) for w in ('| `_base_`', 'Below it'))
    named = set(re.findall(r'`([a-z_]+)`', ' '.join(
        line.split('|')[1] for line in guide[start:end].splitlines()
        if line.startswith('|')))) - {'_base_', 'val_det_images'}
    assert len(named) > 15 and named <= set(config)
    command = (ROOT / 'tools/new_project.py').read_text()
    for option in re.findall('`--([a-z-]+)`', guide.split('## What')[0]):
        known = option.replace('det', '{task}').replace('seg', '{task}')
        assert f'--{known}' in command or f'--{option}' in command, option
    for argument in ('image_suffix', 'label_map', 'palette', 'use_difficult'):
        assert f'| `{argument}` |' in guide
        assert argument in inspect.signature(FolderDataset).parameters
