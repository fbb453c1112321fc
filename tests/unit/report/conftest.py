"""A matrix of three cells on four VOC images, without training."""
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.datasets.label_map import VOC_CLASSES, VOC_PALETTE
from mmmultas.registry import MODELS
from mmmultas.report.collect import Collection, Group, Run
from mmmultas.testing import toy_config, toy_model
from mmmultas.testing.devkit import Devkit

MATRIX = """
title: Toys & <b>bolts</b>
note: four images only
source: '[P0] Table 9'
seeds: [0]
metrics: [det/AP50, seg/mIoU]
baseline: {det: det, seg: seg}
cells:
  det: {config: a.py, title: boxes alone}
  seg: {config: a.py, title: masks alone}
  mtl: {config: a.py, title: both}
  late: {config: a.py, title: never run}
"""
#: Of the cat in each of the four images: right place, or not.
RIGHT, WRONG = [10, 5, 40, 30], [40, 20, 58, 38]
IDS = ['a_1', 'a_2', 'a_3', 'a_4']


def config_of(kit, folder, tasks):
    cfg = toy_config(str(folder), model=toy_model(tasks))
    for task, head in cfg.model.heads.items():
        head.num_classes = dict(det=20, seg=21)[task]
    cfg.test_dataloader = dict(val=dict(batch_size=2, dataset=dict(
        type='mmmultas.VOCDataset', data_root=str(kit.root),
        subsets=[dict(root='VOC2012', ids='ids.txt')], tasks=('det', 'seg'),
        test_mode=True, pipeline=[
            dict(type='mmmultas.LoadImage'),
            dict(type='mmmultas.Squash', size=64),
            dict(type='mmmultas.LoadLabels'),
            dict(type='mmmultas.PackInputs')])))
    return cfg


def save_checkpoint(cfg, path):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
    tasks = tuple(cfg.model.heads)
    names = dict(det=VOC_CLASSES, seg=('background', *VOC_CLASSES))
    meta = dict(tasks=tasks, **{
        t: dict(classes=names[t], palette=VOC_PALETTE) for t in tasks})
    torch.save(dict(meta=dict(cfg=cfg.pretty_text, dataset_meta=meta),
                    state_dict=model.state_dict()), path)


def write_run(kit, root, key, tasks, boxes, metrics, **changes):
    """``boxes``: one per image, of a cat; masks are as right as they."""
    folder = root / f'{key}_seed0'
    (folder / 'run/vis_data').mkdir(parents=True)
    (folder / 'masks').mkdir()
    cfg = config_of(kit, folder, tasks)
    cfg.dump(str(folder / 'config.py'))
    save_checkpoint(cfg, folder / 'epoch_1.pth')
    cat = VOC_CLASSES.index('cat')
    images = []
    for name, box in zip(IDS, boxes):
        images.append(dict(
            img_id=name, img_path=f'elsewhere/{name}.jpg', detections=[
                dict(label=cat, score=0.9, bbox=box)]))
        mask = np.zeros((40, 60), np.uint8)
        mask[box[1]:box[3], box[0]:box[2]] = cat + 1
        cv2.imwrite(str(folder / f'masks/{name}.png'), mask)
    (folder / 'boxes.json').write_text(json.dumps(dict(
        classes=list(VOC_CLASSES) if 'det' in tasks else [],
        images=images if 'det' in tasks else [], metrics=metrics)))
    lines = [json.dumps(dict(step=k, lr=0.1, loss=3 / k, **{
        f'{task}.loss_a': 2 / k for task in tasks})) for k in range(1, 20)]
    lines.append(json.dumps(dict(step=1, **metrics)))
    (folder / 'run/vis_data/scalars.json').write_text('\n'.join(lines))
    (folder / 'result.json').write_text(json.dumps(dict(dict(
        matrix='toys', cell=key, title=key.upper(), seed=0, config='a.py',
        paper={'det/mAP': 42.5} if 'det' in tasks else {}, commit='abc1234',
        date='2030-01-02', updates=19, minutes=1.5, tested='epoch_1.pth',
        fingerprint='', metrics=metrics), **changes)))
    return folder


@pytest.fixture(scope='session')
def toys(tmp_path_factory):
    root = tmp_path_factory.mktemp('toys')
    kit = Devkit(root / 'devkit')
    for name in IDS:
        kit.add(name)
    kit.ids(IDS)
    work = root / 'work'
    write_run(kit, work, 'det', ('det', ), [RIGHT, RIGHT, WRONG, WRONG],
              {'det/AP50': 50.0})
    write_run(kit, work, 'seg', ('seg', ), [RIGHT, RIGHT, WRONG, WRONG],
              {'seg/mIoU': 40.0})
    write_run(kit, work, 'mtl', ('det', 'seg'),
              [RIGHT, RIGHT, RIGHT, WRONG],
              {'det/AP50': 75.0, 'seg/mIoU': 44.0},
              title='<script>alert(1)</script>')
    matrix = root / 'toys.yaml'
    matrix.write_text(MATRIX)
    return SimpleNamespace(root=root, work=work, matrix=matrix)


@pytest.fixture
def table():
    """Two tasks alone with two seeds, both with three, none with a spread."""
    def group(key, title, values):
        return Group(key, title, tuple(
            Run(key, title, seed, metrics, updates=100, minutes=2.0,
                paper={'det/mAP': 42.81})
            for seed, metrics in enumerate(values)))

    return Collection(
        'Title', 'Small data.', '[P0] Table 1', ('det/AP', 'seg/IoU'),
        dict(det='det', seg='seg'),
        (group('det', 'boxes', [{'det/AP': 10.0}, {'det/AP': 14.0}]),
         group('seg', 'masks', [{'seg/IoU': 50.0}, {'seg/IoU': 50.0}]),
         group('mtl', 'both', [
             {'det/AP': 14.0, 'seg/IoU': 44.0},
             {'det/AP': 15.0, 'seg/IoU': 45.0},
             {'det/AP': 19.0, 'seg/IoU': 46.0}]),
         group('one', 'once', [{'det/AP': 9.0, 'seg/IoU': 60.0}])),
        ('Without a result, not begun: late (seed 0).', ))
