"""Every stock head works, or is refused when it is built (docs/heads.md).

`test_without_operators` runs all that work with compiled operators and
without, each way in a process of its own: this file is also its program.
"""
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import mmdet.models  # noqa: F401, fills the registry
import mmseg.models  # noqa: F401
import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper
from mmdet.registry import MODELS as DET_MODELS
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS as SEG_MODELS
from torch import nn

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.operators import are_compiled

sys.path.insert(0, str(Path(__file__).parent))
from tiny_heads import (ALONE, CHANNELS, DECODE, DENSE,  # noqa: E402
                        STRIDES, STRIDES_OF, TEST)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs/heads.md'
NEEDS = 'needs `make operators`'
REGISTRIES = dict(det=DET_MODELS, seg=SEG_MODELS)


@MODELS.register_module()
class TwoLevels(BaseModule):
    """Levels of the strides that the tiny heads expect."""

    def __init__(self, strides=STRIDES):
        super().__init__()
        self.strides = strides
        self.convs = nn.ModuleList(nn.Conv2d(3, CHANNELS, 1) for _ in strides)

    def forward(self, x):
        return tuple(
            conv(F.avg_pool2d(x, stride, ceil_mode=True))
            for conv, stride in zip(self.convs, self.strides))


def registered(task):
    """Names of all heads that a package registers."""
    room = dict(det='dense_heads', seg='decode_heads')[task]
    registry = REGISTRIES[task]
    return sorted(
        name for name, kind in registry.module_dict.items()
        if inspect.isclass(kind) and f'models.{room}' in kind.__module__)


def table(task):
    """Head → ('works' or 'refused', why), as the page says."""
    title = dict(det='Detection', seg='Segmentation')[task]
    part = DOCS.read_text().split(f'## {title}\n')[1].split('\n## ')[0]
    return {
        name: (state, why) for name, state, why in re.findall(
            r'^\| `(\w+)` \| (works|refused) \|(.*)\|$', part, re.M)
    }


@pytest.mark.parametrize('task', ['det', 'seg'])
def test_the_table_names_all_heads(task):
    assert sorted(table(task)) == registered(task)


def build(task, name):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    if task == 'det':
        cfg = dict(dict(num_classes=2, in_channels=CHANNELS, test_cfg=TEST),
                   **DENSE.get(name, {}))
    else:
        usual = dict(num_classes=3, in_channels=CHANNELS, in_index=0,
                     channels=CHANNELS)
        cfg = dict({} if name in ALONE else usual, **DECODE.get(name, {}))
    strides = STRIDES_OF.get(name, STRIDES)
    model = MODELS.build(
        dict(
            type='mmmultas.MultiTaskDetSeg',
            backbone=dict(type='mmmultas.TwoLevels', strides=strides),
            heads={task: dict(cfg, type=name)}))
    model.init_weights()
    return model


def update(model, task):
    """Losses of one update with labelled and other images."""
    MessageHub.get_current_instance().update_info('epoch', 0)
    model.set_epoch(0)
    return model.train_step(
        dict(one=toy_batch((task, ), 2), none=toy_batch((), 2)),
        OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))


def predict(model):
    model.eval()
    with torch.no_grad():
        return model.test_step(toy_batch((), 2))[0]


@pytest.mark.parametrize('task, name', [
    (task, name) for task in ('det', 'seg') for name in registered(task)])
def test_a_head(task, name):
    state, why = table(task)[name]
    if state == 'refused':
        with pytest.raises(ConfigError) as caught:
            build(task, name)
        sentence = re.sub(r'\s+', ' ', str(caught.value))
        reason = why.strip().split(' (')[0]
        assert reason and reason in sentence, sentence
        return
    model = build(task, name)
    before = {k: p.detach().clone() for k, p in model.named_parameters()}
    if NEEDS in why and not are_compiled():
        with pytest.raises(ConfigError, match='`make operators`'):
            update(model, task)
            predict(model)
        return
    logs = update(model, task)
    assert all(key == 'loss' or key.startswith(f'{task}.') for key in logs)
    assert torch.isfinite(logs['loss']) and logs['loss'] != 0
    assert any(not torch.equal(before[k], p)
               for k, p in model.named_parameters() if k.startswith('heads'))
    sample = predict(model)
    if task == 'det':
        found = sample.pred_instances
        assert found.bboxes.shape == (len(found.scores), 4)
        assert found.labels.max() < 2 if len(found) else True
    else:
        assert sample.pred_sem_seg.sem_seg.shape == (1, 64, 64)


def everything(path):
    """Losses and predictions of every head that works, or its sentence."""
    results = {}
    torch.set_num_threads(1)
    for task in ('det', 'seg'):
        for name, (state, _) in table(task).items():
            if state == 'works':
                model = build(task, name)
                try:
                    losses = update(model, task)
                    sample = predict(model)
                except ConfigError as error:
                    results[task, name] = str(error)
                    continue
                results[task, name] = dict(losses, **(
                    dict(sample.pred_instances.items()) if task == 'det' else
                    dict(sample.pred_sem_seg.items())))
    torch.save(results, path)


@pytest.mark.operators
def test_without_operators(tmp_path):
    """NMS in NumPy changes nothing; the table names what needs more."""
    ways = {}
    for way, line in dict(compiled='', numpy='without_operators').items():
        code = (f'import {line or "os"}\nimport mmmultas, test_heads\n'
                f'test_heads.everything({str(tmp_path / way)!r})')
        path = os.pathsep.join(str(ROOT / p)
                               for p in ('', 'tests', 'tests/integration'))
        subprocess.run([sys.executable, '-W', 'ignore', '-c', code],
                       env=dict(os.environ, PYTHONPATH=path), check=True)
        ways[way] = torch.load(tmp_path / way)
    assert len(ways['compiled']) > 50
    for (task, name), theirs in ways['compiled'].items():
        ours, (_, why) = ways['numpy'][task, name], table(task)[name]
        assert isinstance(theirs, dict)
        assert isinstance(ours, str) == (NEEDS in why), (name, ours)
        if isinstance(ours, str):
            assert '`make operators`' in ours
            continue
        assert sorted(ours) == sorted(theirs)
        different = [key for key in ours
                     if not torch.equal(torch.as_tensor(ours[key]),
                                        torch.as_tensor(theirs[key]))]
        assert not different, (name, different)
