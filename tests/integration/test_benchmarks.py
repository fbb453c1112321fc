"""What the benchmarks compare computes the same."""
import argparse
import copy
import importlib
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmmultas.testing import toy_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'benchmarks'))
    return importlib.import_module


def test_ratios_are_taken_turn_by_turn(load):
    timing = load('timing')
    times = dict(a=[1.0, 4.0, 9.0], b=[1.0, 2.0, 3.0], c=[1.0, 2.0, 6.0])
    assert timing.ratio(times, ['a'], ['b', 'c'])['median'] == 1.0
    assert timing.summarise(times)['a']['median_ms'] == 4000


def test_variants_take_turns(load):
    seen = []
    times = load('timing').interleave(
        dict(a=lambda: seen.append('a'), b=lambda: seen.append('b')), 2)
    assert seen == ['a', 'b'] * 3
    assert [len(t) for t in times.values()] == [2, 2]


def test_forms_of_an_update_do_the_same(load, monkeypatch):
    bench_module = load('train_step')
    monkeypatch.setitem(bench_module.MODELS_OF, 'tiny',
                        ('rn18_fpn_mtl', 64, 2))
    from_file = Config.fromfile

    def thin(path):
        cfg = from_file(path)
        cfg.model.backbone.base_channels = 8
        cfg.model.neck.update(in_channels=[32, 64], out_channels=16)
        cfg.model.heads.det.in_channels = 16
        cfg.model.heads.seg.update(in_channels=16, channels=8)
        return cfg

    monkeypatch.setattr(Config, 'fromfile', thin)
    bench = bench_module.Bench('tiny')
    start = copy.deepcopy(bench.model.state_dict())
    moved = {}
    for name in ('joint', 'sequential', 'both heads', 'plain head', 'bf16'):
        bench.model.load_state_dict(start)
        bench.optim.optimizer.state.clear()
        bench.forms()[name]()
        moved[name] = {
            k: p.detach().clone()
            for k, p in bench.model.named_parameters()
        }
    assert any(not torch.equal(start[k], p)
               for k, p in moved['joint'].items())
    low = moved.pop('bf16')
    assert any(not torch.equal(low[k], p) for k, p in moved['joint'].items())
    for name, parameters in moved.items():
        for key, value in parameters.items():
            torch.testing.assert_close(value, moved['joint'][key],
                                       msg=f'{name}: {key}')


def test_metrics_agree_where_definitions_do(load):
    metrics = load('metrics')
    args = argparse.Namespace(images=30, detections=20, masks=3, repeats=2)
    det = metrics.measure_det(args)
    assert det['values']['ours'] == pytest.approx(
        det['values']['mmdet'], abs=1e-3)
    assert det['values']['ours'] > 1
    seg = metrics.measure_seg(args)
    assert seg['values']['ours'] == pytest.approx(
        seg['values']['mmseg'], abs=0.01)


def test_parts_of_a_distilled_update(load, monkeypatch):
    """Its teachers see in the benchmark's parts what they see in it."""
    distillation = load('distillation')
    monkeypatch.setitem(distillation.CHANNELS, 'teacher', 72)
    for sees, images in (('annotated', [2, 2]), ('both', [2, 2, 2, 2])):
        bench, seen = distillation.Bench(sees, size=64, batch=2), []
        for _, teacher in bench.distilled.teachers:
            teacher.members[0].backbone.register_forward_pre_hook(
                lambda m, args, seen=seen: seen.append(len(args[0])))
        for name, run in bench.forms().items():
            seen.clear()
            run()
            assert seen == ([] if name == 'student' else images), name
        weights = bench.student.neck.state_dict()
        assert len(weights) == len(bench.distilled.neck.state_dict())


def test_five_tasks_at_once_lose_what_they_lose_alone(load):
    bench = load('tasks').Bench(
        'configs/demo/rn18-16_fpn_mtl_digits.py', size=64, batch=2)
    weights = bench.models['joint'].state_dict()
    alone = {}
    for task in load('tasks').TASKS:
        model = bench.models[task]
        model.load_state_dict({k: weights[k] for k in model.state_dict()})
        alone.update({k: v for k, v in bench.update(task).items()
                      if k != 'loss'})
    joint = bench.update('joint')
    assert len(alone) > 5
    assert alone == {k: v for k, v in joint.items() if k != 'loss'}


def test_the_interdependent_network_and_its_halves(load):
    bench = load('interdependent').Bench(False, (64, 64), 2)
    forms = bench.forms()
    for name, tasks in dict(joint={'det', 'seg'}, seg={'seg'},
                            det={'det'}).items():
        logs = forms[name]()
        assert {k.split('.')[0] for k in logs if k != 'loss'} == tasks
    assert 'pred_instances' in forms['image_det']()[0]
    assert bench.parameters()['joint'] == 1321401


def test_weak_losses_are_those_of_the_names(load, monkeypatch):
    from_file = Config.fromfile

    def thin(path):
        cfg = from_file(path)
        cfg.model = Config(dict(model=toy_model())).model
        return cfg

    monkeypatch.setattr(Config, 'fromfile', thin)
    bench = load('weak').Bench(64, 2)
    groups = dict(plain=set(), b4m={'seg'}, m4b={'det'},
                  bombo={'det', 'seg'}, lines={'det', 'seg'},
                  average={'det', 'seg'},
                  average_half={'det', 'seg'}, all={'det', 'seg'})
    for name, run in bench.forms().items():
        weak = {k.split('.')[1] for k in run() if k.startswith('weak.')}
        assert weak == groups[name], name


def test_the_mapping_in_a_batch_equals_its_loop(load):
    bench = load('consistency').Bench(64, 3)
    assert set(bench.forms()) == {'plain', 'xtc', 'mapping', 'loop'}
    assert not any(k.startswith('xtc') for k in bench.update('plain'))
    assert 'xtc.loss_ct' in bench.update('xtc')
    torch.testing.assert_close(bench.joint(), bench.loop(), rtol=1e-3,
                               atol=1e-3)
    assert len(bench.index) == 12
