import pytest
from mmengine.evaluator import BaseMetric

from mmmultas.engine.hooks.checkpoint import CheckpointHook
from mmmultas.registry import METRICS
from mmmultas.testing import toy_config
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import build_runner


def _run(tmp_path, epochs=3, **hook):
    cfg = toy_config(tmp_path, epochs=epochs)
    cfg.default_hooks.checkpoint.update(hook)
    runner = build_runner(cfg)
    runner.train()
    return runner


def _names(tmp_path, pattern='*.pth'):
    return sorted(p.name for p in tmp_path.glob(pattern))


def test_keeps_the_newest_and_the_best(tmp_path):
    runner = _run(tmp_path, max_keep=2, interval_iters=4)
    history = runner.message_hub.get_info('selection_history')
    best = max(history, key=history.get)
    assert _names(tmp_path, 'best*') == [f'best_score_epoch_{best}.pth']
    assert len(_names(tmp_path, '[ei]*')) == 2
    assert (tmp_path / 'last_checkpoint').read_text() == str(
        tmp_path / 'epoch_3.pth')


def test_interval_and_the_last_epoch(tmp_path):
    _run(tmp_path, interval=2, save_best=None)
    assert _names(tmp_path) == ['epoch_2.pth', 'epoch_3.pth']


def test_what_a_checkpoint_holds(tmp_path):
    _run(tmp_path, epochs=1)
    saved = load_file(tmp_path / 'epoch_1.pth')
    meta = saved['meta']
    assert (meta['epoch'], meta['iter'], meta['seed']) == (1, 6, 3)
    assert meta['dataset_meta']['seg']['classes'] == ('background', 'square',
                                                      'bar')
    assert meta['dataset_meta']['det']['palette']
    assert 'MultiTaskDetSeg' in meta['cfg']
    assert saved['message_hub']['log_scalars'] == {}


def test_a_full_disk_leaves_older_files(tmp_path, monkeypatch):
    _run(tmp_path, epochs=1)
    before = (tmp_path / 'epoch_1.pth').read_bytes()
    cfg = toy_config(tmp_path, epochs=2)
    cfg.resume = True
    runner = build_runner(cfg)

    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mmengine.runner.runner.save_checkpoint', full)
    with pytest.raises(CheckpointError, match='No space left'):
        runner.train()
    assert (tmp_path / 'epoch_1.pth').read_bytes() == before
    assert not list(tmp_path.glob('.*'))


def test_errors_name_the_key(tmp_path):
    with pytest.raises(ConfigError, match='max_keep'):
        CheckpointHook(max_keep=0)
    with pytest.raises(ConfigError, match="save_best.*'accuracy'"):
        _run(tmp_path, epochs=1, save_best='accuracy')


@METRICS.register_module(force=True)
class Mistakes(BaseMetric):
    """The second epoch makes fewest, the third has nothing to count."""
    lower_is_better = ('errors', )
    values = iter(())

    def process(self, data_batch, data_samples):
        self.results += [0] * len(data_samples)

    def compute_metrics(self, results):
        return dict(errors=next(Mistakes.values))


def test_metrics_declare_which_way_is_better(tmp_path):
    Mistakes.values = iter((0., 5., 2., float('nan')))  # and a rehearsal
    cfg = toy_config(tmp_path, epochs=3)
    cfg.val_evaluator.seg = dict(type='mmmultas.Mistakes')
    cfg.val_cfg.selection = {'det/mAP': 1.0, 'seg/errors': -1.0}
    cfg.default_hooks.checkpoint.save_best = 'seg/errors'
    build_runner(cfg).train()
    assert _names(tmp_path, 'best*') == ['best_seg_errors_epoch_2.pth']
    cfg.work_dir = str(tmp_path / 'other')
    cfg.val_cfg.selection['seg/errors'] = 1.0
    Mistakes.values = iter([1.])
    with pytest.raises(ConfigError, match='lower is better there'):
        build_runner(cfg).train()
