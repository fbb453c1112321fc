"""Many tasks, also two of one kind, from files to predictions."""
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.prediction_files import predict_to_files
from mmmultas.registry import DATASETS
from mmmultas.testing import toy_config, toy_model
from mmmultas.testing.scenes import write_scenes
from mmmultas.utils.launch import build_runner

TASKS = dict(seg='classes', parts='classes', depth='depth', far='depth',
             normals='normals', lines='edges', stands='saliency')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Twelve pictures of a bright box on a dark plane."""
    root = tmp_path_factory.mktemp('tasks')
    for name in ('images', *TASKS):
        (root / name).mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        x, y = rng.integers(4, 30, 2)
        inside = np.zeros((64, 64), bool)
        inside[y:y + 24, x:x + 24] = True
        image = rng.integers(0, 80, (64, 64, 3), dtype=np.uint8)
        image[inside] += 150
        normals = np.zeros((64, 64, 3), np.float32)
        normals[..., 2] = 1
        normals[inside] = [1, 0, 0]
        maps = dict(
            images=image, seg=inside.astype(np.uint8),
            parts=inside.astype(np.uint8) + (np.arange(64) > 32),
            depth=np.where(inside, 1000, 3000).astype(np.uint16),
            far=np.where(inside, 5000, 9000).astype(np.uint16),
            normals=((normals[..., ::-1] + 1) * 127.5).astype(np.uint8),
            lines=cv2.Canny(inside.astype(np.uint8) * 255, 50, 100),
            stands=inside.astype(np.uint8) * 255)
        for folder, values in maps.items():
            cv2.imwrite(str(root / f'{folder}/{i}.png'), values)
    return root


def config(root, work_dir, **changes):
    head = dict(type='mmmultas.DenseHead', in_channels=8, channels=8,
                num_levels=2, num_refine_convs=0)
    model = toy_model(('seg', ))
    model['heads']['seg']['num_classes'] = 2
    model['heads'].update({
        task: dict(head, kind=kind) for task, kind in TASKS.items()
        if kind != 'classes'})
    model['heads']['parts'] = dict(
        model['heads']['seg'], kind='classes', num_classes=3)
    labels = {
        task: dict(kind=kind, root=str(root / task))
        for task, kind in TASKS.items() if task != 'seg'}
    labels['parts']['classes'] = ('ground', 'left', 'right')
    for task in ('depth', 'far'):
        labels[task].update(scale=.001, unit='m')
    data = dict(
        type='mmmultas.FolderDataset', images=str(root / 'images'),
        masks=str(root / 'seg'), classes=dict(seg=('background', 'box')),
        labels=labels, tasks=tuple(TASKS))
    load = [dict(type='mmmultas.LoadImage'), dict(type='mmmultas.LoadLabels')]
    pack = dict(type='mmmultas.PackInputs')
    train = dict(data, part='train', regime=dict(regime='random', seed=1),
                 pipeline=[*load, dict(type='mmmultas.RandomFlip'),
                           dict(type='mmmultas.CropExpand'),
                           dict(type='mmmultas.Squash', size=64), pack])
    val = dict(data, part='val', test_mode=True, pipeline=[*load, pack])
    cfg = toy_config(work_dir, model=model, streams=dict(
        all=dict(batch_size=4, dataset=train)), **changes)
    cfg.val_dataloader = cfg.test_dataloader = dict(
        all=dict(batch_size=2, dataset=val))
    metrics = dict(classes='SegMetric', depth='DepthMetric',
                   normals='NormalMetric', saliency='SaliencyMetric',
                   edges='EdgeMetric')
    cfg.val_evaluator = cfg.test_evaluator = {
        task: dict(type=f'mmmultas.{metrics[kind]}')
        for task, kind in TASKS.items() if kind in metrics}
    cfg.val_cfg.selection = {'parts/mIoU': 1.0, 'far/abs_err': -1.0}
    return cfg


@pytest.fixture(scope='module')
def run(root, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('run')
    runner = build_runner(config(root, work_dir, epoch_length=15))
    runner.train()
    return runner, work_dir


def test_every_task_learns_and_is_judged(run):
    runner, _ = run
    metrics = runner.val_loop.run()
    for name in ('seg/mIoU', 'parts/mIoU', 'depth/abs_err', 'far/rmse',
                 'normals/median', 'lines/odsF', 'stands/maxF'):
        assert np.isfinite(metrics[name]), name
    # two tasks of one kind are two tasks
    assert metrics['far/abs_err'] != metrics['depth/abs_err']


def test_predictions_of_every_task(run, root, tmp_path):
    _, work_dir = run
    inferencer = MultiTaskInferencer(work_dir, tta=True)
    assert set(inferencer.tasks) == set(TASKS)
    found, = inferencer(root / 'images/3.png')
    assert set(found['maps']) == set(TASKS) - {'seg'}
    assert found['maps']['normals'].shape == (64, 64, 3)
    lengths = np.linalg.norm(found['maps']['normals'], axis=2)
    np.testing.assert_allclose(lengths, 1, atol=1e-4)
    written = predict_to_files(inferencer, root / 'images/3.png', tmp_path)
    assert {p.name for p in written} == {
        'overlays', 'masks', *set(TASKS) - {'seg'}}
    for task in set(TASKS) - {'seg'}:
        assert (tmp_path / task / '3.png').is_file()
    drawn = cv2.imread(str(tmp_path / 'overlays/3.jpg'))
    assert drawn.shape[1] > 6 * 480  # a panel per task


def test_hidden_labels_change_nothing(root, tmp_path):
    """Every label that the regime hides is replaced by garbage."""
    def weights(folder, work_dir):
        cfg = config(folder, work_dir, epochs=1, epoch_length=4)
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
        runner = build_runner(cfg)
        runner.train()
        return runner, runner.model.state_dict()

    runner, want = weights(root, tmp_path / 'a')
    shutil.copytree(root, tmp_path / 'copy')
    data = DATASETS.build(
        config(root, tmp_path / 'a').train_dataloader.all.dataset)
    hidden = 0
    for i in range(len(data)):
        info = data.get_data_info(i)
        for task in set(TASKS) - set(info['tasks']):
            path = tmp_path / 'copy' / task / f'{info["img_id"]}.png'
            path.write_bytes(b'garbage')
            hidden += 1
    assert hidden > 10
    _, got = weights(tmp_path / 'copy', tmp_path / 'b')
    assert all(torch.equal(v, got[k]) for k, v in want.items())


def test_hidden_boxes_of_two_detectors_change_no_sample(tmp_path):
    """Labels of a json that holds those of all images."""
    things = ('box', 'sphere', 'cylinder')
    root = write_scenes(tmp_path / 'rooms', 12, 2)
    shutil.copy(root / 'boxes.json', root / 'far.json')
    size = dict(type='mmmultas.Squash', size=64)
    steps = ('LoadImage', 'LoadLabels', 'CropExpand', 'RandomFlip')

    def data():
        return DATASETS.build(dict(
            type='mmmultas.SeededDataset', dataset=dict(
                type='mmmultas.FolderDataset', images=str(root / 'images'),
                boxes=str(root / 'boxes.json'), classes=dict(det=things),
                labels=dict(far=dict(kind='boxes', classes=things,
                                     root=str(root / 'far.json'))),
                tasks=('det', 'far'), regime=dict(regime='one', seed=0),
                names=str(root / 'val.txt'), part='train',
                pipeline=[*(dict(type=f'mmmultas.{s}') for s in steps), size,
                          dict(type='mmmultas.PackInputs')])))

    before = data()
    inner = before.dataset
    infos = [inner.get_data_info(i) for i in range(len(before))]
    kept = {Path(x['img_path']).name: x['tasks'] for x in infos}
    samples = [before[i] for i in range(len(before))]
    for task, name in (('det', 'boxes.json'), ('far', 'far.json')):
        content = json.loads((root / name).read_text())
        files = {x['id']: x['file_name'] for x in content['images']}
        for box in content['annotations']:
            if task not in kept.get(files[box['image_id']], (task, )):
                box.update(bbox=[1, 1, 5, 5], category_id=0)
        (root / name).write_text(json.dumps(content))
    after = data()
    assert set(kept.values()) == {('det', ), ('far', )}
    for i, sample in enumerate(samples):
        assert torch.equal(sample['inputs'], after[i]['inputs'])
        was, now = (re.sub(' at 0x[0-9a-f]+', '', str(x['data_samples']))
                    for x in (sample, after[i]))
        assert was == now and 'bboxes' in was
