"""Street scenes, vehicles from above and COCO: from files to scores."""
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmmultas.datasets.cityscapes import convert_cityscapes
from mmmultas.datasets.coco_masks import convert_coco
from mmmultas.datasets.vedai import convert_vedai
from mmmultas.datasets.writing import write_png
from mmmultas.testing import Devkit, toy_model
from mmmultas.testing.streets import write_cityscapes
from mmmultas.utils.launch import build_runner

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/multas'


@pytest.fixture
def voc(tmp_path, monkeypatch):
    """Four images with boxes for each year and list."""
    kit = Devkit(tmp_path / 'data/VOCdevkit')
    for year in ('VOC2007', 'VOC2012'):
        for part, split in (('MXEdet', 'train'), ('MXEall', 'val')):
            names = [f'{split}{i}' for i in range(4)]
            for name in names:
                kit.add(name, (40, 60), year)
            path = tmp_path / f'splits/{year}/{part}/{split}.txt'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('\n'.join(names))
    monkeypatch.setenv('MMMULTAS_DATA', str(tmp_path / 'data'))
    monkeypatch.setenv('MMMULTAS_SPLITS', str(tmp_path / 'splits'))


def small(name, work_dir, **classes):
    """The config's data, loops and evaluators with a model of no size."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.work_dir = str(work_dir)
    cfg.model = toy_model(tuple(classes))
    for task, number in classes.items():
        cfg.model['heads'][task]['num_classes'] = number
    cfg.train_cfg.update(max_epochs=1)
    cfg.log_level = 'WARNING'
    for key in ('train', 'val', 'test'):
        for loader in cfg[f'{key}_dataloader'].values():
            if loader:
                loader.update(
                    num_workers=0, persistent_workers=False, batch_size=4)
    return cfg


def test_voc_and_cityscapes(voc, tmp_path, monkeypatch):
    write_cityscapes(tmp_path / 'city')
    convert_cityscapes(tmp_path / 'city', tmp_path / 'out')
    monkeypatch.setenv('MMMULTAS_CITYSCAPES', str(tmp_path / 'out'))
    cfg = small('rn18_fpn_mtl_citys', tmp_path / 'work', det=20, seg=7)
    runner = build_runner(cfg)
    sizes = []
    runner.model.register_forward_pre_hook(
        lambda _, args, kwargs: sizes.append({
            name: tuple(x.shape[2:])
            for name, x in (args[0] if args else kwargs['inputs']).items()
        } if runner.model.training else None),
        with_kwargs=True)
    runner.train()
    assert runner.iter == 2  # eight images with boxes, four with masks
    learnt = [size for size in sizes if size]
    assert learnt == [dict(det=(320, 320), seg=(128, 256))] * 2
    scores = runner.message_hub.log_scalars
    assert scores['val/det/mAP'].current() >= 0
    assert scores['val/seg/mIoU'].current() > 0
    samples = _predictions(runner, 'seg')
    assert {s.pred_sem_seg.data.shape for s in samples} == {(1, 128, 256)}


def _predictions(runner, stream):
    loop = runner.val_loop
    batch = next(iter(loop.loaders[stream]))
    return runner.model.eval().val_step(batch)


def test_vehicles_from_above(tmp_path, monkeypatch):
    root = tmp_path / 'VEDAI'
    notes = root / 'Annotations512'
    notes.mkdir(parents=True)
    for number in range(8):
        image = np.full((512, 512, 3), 60, np.uint8)
        image[200:240, 100:180] = 250
        write_png(root / f'Vehicules512/{number:08d}_co.png', image)
        (notes / f'{number:08d}.txt').write_text(
            '140 220 0 1 1 0 100 180 180 100 200 200 240 240\n')
    for name, numbers in (('fold01', range(4)), ('fold01test', range(4, 8))):
        (notes / f'{name}.txt').write_text('\n'.join(
            f'{n:08d}' for n in numbers))
    convert_vedai(root, folds=[1])
    monkeypatch.setenv('MMMULTAS_VEDAI', str(root))
    runner = build_runner(
        small('rn18_fpn_det_vedai', tmp_path / 'work', det=8))
    runner.train()
    scores = runner.message_hub.log_scalars
    assert {k for k in scores if k.startswith('val/det')} == {
        'val/det/mAP', 'val/det/AP10', 'val/det/AP25'
    }


def test_coco_in_halves(tmp_path, monkeypatch):
    names = Config.fromfile(CONFIGS / 'rn50_pafpn_mtl_coco.py').det_classes
    categories = [dict(id=2 * n, name=x) for n, x in enumerate(names, 1)]
    jsons = {}
    for part, first, count in (('train', 0, 16), ('val', 50, 4)):
        numbers = range(first, first + count)
        for number in numbers:
            write_png(tmp_path / f'{part}2017/{number}.png',
                      np.full((40, 60, 3), 10 * (number % 20), np.uint8))
        content = dict(
            images=[
                dict(id=n, file_name=f'{n}.png', height=40, width=60)
                for n in numbers
            ],
            annotations=[
                dict(
                    id=n + 1, image_id=n, category_id=34, bbox=[5, 5, 30, 20],
                    area=600, iscrowd=0,
                    segmentation=[[5, 5, 35, 5, 35, 25, 5, 25]])
                for n in numbers
            ],
            categories=categories)
        jsons[part] = tmp_path / f'{part}.json'
        jsons[part].write_text(json.dumps(content))
    convert_coco(jsons['train'], jsons['val'], tmp_path / 'halves')
    monkeypatch.setenv('MMMULTAS_COCO', str(tmp_path))
    runner = build_runner(
        small('rn50_pafpn_mtl_coco', tmp_path / 'work', det=80, seg=81))
    runner.train()
    assert runner.iter == 2  # eight images of each half
    scores = runner.message_hub.log_scalars
    assert 'val/det/mAP' in scores and 'val/seg/mIoU' in scores
