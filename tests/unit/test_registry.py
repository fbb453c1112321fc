import subprocess
import sys

import mmengine.registry
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmmultas import registry


#: What a kind of labels is; nobody else has such registries.
BY_KIND = {'MAP_RULES', 'PAINTERS', 'READERS', 'TASKS', 'WRITERS'}


@pytest.mark.parametrize('name', sorted(set(registry.__all__) - BY_KIND))
def test_children_of_mmengine_in_our_scope(name):
    child = getattr(registry, name)
    assert child.scope == 'mmmultas'
    assert child.parent is getattr(mmengine.registry, name)


def test_no_registry_of_mmengine_is_without_a_child():
    """MMEngine warns of each that it asks for in our scope."""
    parents = [x for x in vars(mmengine.registry).values()
               if isinstance(x, mmengine.registry.Registry)]
    assert len(parents) > 20
    for parent in parents:
        assert parent._search_child('mmmultas') is not None, parent


TYPES = dict(
    DATASETS='VOCDataset',
    DATA_SAMPLERS='EvalSampler',
    MODELS='MultiTaskDetSeg',
    LOOPS='MultiTaskTrainLoop',
    EVALUATOR='TaskEvaluator',
    METRICS='SegMetric',
    VISUALIZERS='MultiTaskVisualizer')
#: A process per type that knows the stock packages and the scope's name.
FIND = """
import os, sys
import mmmultas.registry  # first: operators of mmcv may not be compiled
import mmdet.models, mmengine.registry, mmseg.models
from mmengine.registry import init_default_scope
init_default_scope('mmdet')
for parent, name in TYPES.items():
    sys.stdout.flush()
    if os.fork() == 0:
        assert 'mmmultas.models' not in sys.modules
        found = getattr(mmengine.registry, parent).get(f'mmmultas.{name}')
        print('found', parent, found.__module__)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


def test_prefix_is_enough_to_find_a_type():
    """No `custom_imports`: a fresh process knows the scope's name only."""
    done = subprocess.run(
        [sys.executable, '-c', f'TYPES = {TYPES}\n{FIND}'],
        capture_output=True, text=True)
    # Libraries print lines of their own while they are imported.
    found = dict(line.split()[1:] for line in done.stdout.splitlines()
                 if line.startswith('found '))
    assert set(found) == set(TYPES), done.stdout + done.stderr
    assert all(module.startswith('mmmultas.') for module in found.values())


@pytest.mark.parametrize('known, name, module', [
    (registry.MODELS, 'FPN', 'mmdet.'),
    (registry.MODELS, 'FocalLoss', 'mmdet.'),
    (registry.TRANSFORMS, 'RandomFlip', 'mmdet.'),
    (registry.DATASETS, 'VOCDataset', 'mmdet.'),
    (registry.HOOKS, 'CheckpointHook', 'mmengine.'),
    (registry.MODELS, 'MultiTaskDetSeg', 'mmmultas.'),
    (registry.MODELS, 'mmmultas.FocalLoss', 'mmmultas.'),
    (registry.TASKS, 'boxes', 'mmmultas.')])
def test_plain_names_in_our_scope_are_those_of_mmdetection(
        known, name, module):
    """What is inherited from `mmmultas::...` is built in that scope."""
    with DefaultScope.overwrite_default_scope('mmmultas'):
        assert known.get(name).__module__.startswith(module)
        assert known.get('NoSuchName') is None


def test_a_model_that_inherits_by_the_package_and_takes_stock_parts(tmp_path):
    config = tmp_path / 'my.py'
    config.write_text("""
_base_ = 'mmmultas::multas/rn18_fpn_mtl_stock-heads.py'
model = dict(neck=dict(
    _delete_=True, type='FPN', in_channels=[64, 128, 256, 512],
    out_channels=256, num_outs=5))
""")
    model = Config.fromfile(config).model
    assert model._scope_ == 'mmmultas'
    with DefaultScope.overwrite_default_scope('mmdet'):
        neck = registry.MODELS.build(model).neck
    assert type(neck).__module__ == 'mmdet.models.necks.fpn'
