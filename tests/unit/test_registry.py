import subprocess
import sys

import mmengine.registry
import pytest

from mmmultas import registry


@pytest.mark.parametrize('name', sorted(set(registry.__all__) - {'TASKS'}))
def test_children_of_mmengine_in_our_scope(name):
    child = getattr(registry, name)
    assert child.scope == 'mmmultas'
    assert child.parent is getattr(mmengine.registry, name)


@pytest.mark.parametrize('parent, type_', [
    ('DATASETS', 'VOCDataset'),
    ('DATA_SAMPLERS', 'EvalSampler'),
    ('MODELS', 'MultiTaskDetSeg'),
    ('LOOPS', 'MultiTaskTrainLoop'),
    ('EVALUATOR', 'TaskEvaluator'),
    ('METRICS', 'SegMetric'),
    ('VISUALIZERS', 'MultiTaskVisualizer'),
])
def test_prefix_is_enough_to_find_a_type(parent, type_):
    """No `custom_imports`: a fresh process knows the scope's name only."""
    code = (f'from mmengine.registry import {parent} as R\n'
            'from mmengine.registry import init_default_scope\n'
            'import mmmultas.registry\n'
            "init_default_scope('mmdet')\n"
            f"print(R.get('mmmultas.{type_}').__module__)")
    done = subprocess.run([sys.executable, '-c', code], capture_output=True,
                          text=True)
    assert done.stdout.startswith('mmmultas.'), done.stderr
