"""The example of docs/own_data.md: two files, two classes, one head."""
import json
import re
from pathlib import Path

import cv2
import pytest
import torch

from mmmultas.testing import ToyDataset, toy_config
from mmmultas.utils.launch import build_runner

DOCS = Path(__file__).resolve().parents[2] / 'docs/own_data.md'
PIPELINE = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=64),
    dict(type='mmmultas.PackInputs')
]
CLASSES = ('car', 'person')


def write(folder, name, seed, boxed, count=6):
    """Toy scenes of both classes, in which one of them is boxed."""
    (folder / name).mkdir()
    scenes = ToyDataset(count, ('det', ), seed=seed, augment=False)
    images, boxes = [], []
    for i in range(count):
        scene = scenes[i]
        truth = scene['data_samples'].gt_instances
        image = scene['inputs'].numpy().transpose(1, 2, 0)
        cv2.imwrite(str(folder / name / f'{name}{i}.png'), image)
        images.append(dict(id=i, file_name=f'{name}{i}.png', width=64,
                           height=64))
        for (x1, y1, x2, y2), label in zip(truth.bboxes.tolist(),
                                           truth.labels.tolist()):
            if CLASSES[label] in boxed:
                boxes.append(dict(
                    id=len(boxes), image_id=i, category_id=label, iscrowd=0,
                    area=1.0, bbox=[x1, y1, x2 - x1, y2 - y1]))
    names = [dict(id=i, name=n) for i, n in enumerate(CLASSES) if n in boxed]
    (folder / f'{name}.json').write_text(
        json.dumps(dict(images=images, annotations=boxes, categories=names)))


@pytest.fixture
def example(tmp_path):
    write(tmp_path, 'cars', 0, ['car'])
    write(tmp_path, 'people', 1, ['person'])
    part = DOCS.read_text().split('## Data sets whose classes differ')[1]
    code, = re.findall(r'```python\n(.*?)```', part.split('\n## ')[0], re.S)
    names = dict(data=str(tmp_path), pipeline=PIPELINE)
    exec(compile(code, 'own_data.md', 'exec'), names)
    return names


def _run(work_dir, streams):
    cfg = toy_config(work_dir, epochs=2)
    cfg.train_dataloader = streams
    cfg.model.heads.pop('seg')
    for part in ('val', 'test'):
        cfg[f'{part}_evaluator'].pop('seg')
    cfg.val_cfg = cfg.val_evaluator = cfg.val_dataloader = None
    runner = build_runner(cfg)
    runner.train()
    return runner


def test_the_example_trains(example, tmp_path):
    runner = _run(tmp_path / 'run', example['train_dataloader'])
    streams = runner.train_loop.dataloader.streams
    for number, stream in enumerate(streams.values()):
        for i in range(len(stream.dataset)):
            sample = stream.dataset[i]['data_samples']
            assert sample.metainfo['annotated'] == dict(det=(number, ))
            assert set(sample.gt_instances.labels.tolist()) <= {number}
    assert sum(len(s.dataset[i]['data_samples'].gt_instances)
               for s in streams.values() for i in range(6)) > 4


def test_what_nobody_looked_for_moves_nothing(example, tmp_path):
    """Boxes that somebody made now and then of the other class are not read;
    without `annotated` they would be."""
    whole = _run(tmp_path / 'a', example['train_dataloader'])
    for name in ('cars', 'people'):
        (tmp_path / f'{name}.json').unlink()
        for path in (tmp_path / name).glob('*'):
            path.unlink()
        (tmp_path / name).rmdir()
    write(tmp_path, 'cars', 0, CLASSES)
    write(tmp_path, 'people', 1, CLASSES)
    more = _run(tmp_path / 'b', example['train_dataloader'])
    for stream in example['train_dataloader'].values():
        stream['dataset'] = dict(stream['dataset'], annotated=None)
    other = _run(tmp_path / 'c', example['train_dataloader'])
    states = [r.model.state_dict() for r in (whole, more, other)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert any(not torch.equal(states[0][k], states[2][k])
               for k in states[0])
