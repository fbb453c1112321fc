import pytest

from mmmultas.testing import toy_config
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def _val(cfg):
    runner = build_runner(cfg)
    calls = []
    step = runner.model.val_step

    def val_step(data):
        calls.append(len(data['inputs']))
        return step(data)

    runner.model.val_step = val_step
    runner._train_loop = None
    return runner, calls


def test_a_stream_with_both_labels_passes_once(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    runner, calls = _val(cfg)
    metrics = runner.val()
    assert sum(calls) == 5
    assert {'det/mAP', 'det/AP50', 'seg/mIoU'} <= set(metrics)


def test_streams_of_one_task_each(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.val_dataloader = dict(
        a=dict(
            batch_size=2,
            dataset=dict(
                type='mmmultas.ToyDataset', length=3, tasks=('det', ))),
        b=dict(
            batch_size=2,
            dataset=dict(
                type='mmmultas.ToyDataset', length=4, tasks=('seg', ))))
    runner, calls = _val(cfg)
    metrics = runner.val()
    assert sum(calls) == 7 and {'det/mAP', 'seg/mIoU'} <= set(metrics)


def test_only_what_is_evaluated_is_predicted(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.val_evaluator.seg = None
    cfg.val_cfg.selection = {}
    runner, _ = _val(cfg)
    outputs = []
    call = runner.call_hook
    runner.call_hook = lambda name, **kw: (outputs.extend(
        kw['outputs'] if name == 'after_val_iter' else []), call(name, **kw))
    runner.val()
    assert len(outputs) == 5
    assert all('pred_sem_seg' not in s and 'pred_instances' in s
               for s in outputs)


@pytest.mark.parametrize('change, message', [
    (lambda c: c.update(val_evaluator=dict(type='mmmultas.SegMetric')),
     'per task'),
    (lambda c: c.val_evaluator.update(depth=dict(type='x')), "'depth'"),
    (lambda c: c.update(val_dataloader=c.val_dataloader.val), 'streams'),
])
def test_errors_show_the_grammar(tmp_path, change, message):
    cfg = toy_config(tmp_path)
    change(cfg)
    with pytest.raises(ConfigError, match=message):
        build_runner(cfg).val()


@pytest.mark.parametrize('selection, words', [
    ('{broken', '`val_cfg.selection` must be a mapping'),
    ({'det/mAP': 'high'}, "of 'det/mAP' must be a finite number"),
])
def test_selections_that_are_none(tmp_path, selection, words):
    cfg = toy_config(tmp_path)
    cfg.val_cfg.selection = selection
    with pytest.raises(ConfigError, match=words):
        build_runner(cfg).train()
