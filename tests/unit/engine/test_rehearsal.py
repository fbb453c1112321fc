import json

import pytest
import torch
from mmengine.evaluator import BaseMetric

from mmmultas.engine.rehearsal import rehearse
from mmmultas.registry import DATASETS, METRICS
from mmmultas.testing import ToyDataset, toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def refuse(cfg, words):
    """Before the first update, and not because of it."""
    runner = build_runner(cfg)

    def never(*args, **kwargs):
        raise AssertionError('an update was made')

    runner.model.train_step = never
    with pytest.raises(ConfigError, match=words):
        runner.train()


def test_names_of_all_metrics_and_nothing_else(tmp_path, capfd):
    cfg = toy_config(tmp_path, log_level='INFO')
    cfg.val_cfg.selection = {'det/AP50': 1.0, 'seg/mAcc': -1.0}
    cfg.train_cfg.pop('log_level')
    runner = build_runner(cfg)
    runner.train()
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    state = torch.get_rng_state()
    capfd.readouterr()
    names = rehearse(runner.val_loop)
    assert names == {'det/mAP', 'det/AP50', 'det/AP75', 'seg/mIoU',
                     'seg/aAcc', 'seg/mAcc'}
    assert capfd.readouterr().out == ''
    after = runner.model.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    assert torch.equal(state, torch.get_rng_state())
    assert not any(m.results for e in runner.val_loop.evaluators.values()
                   for m in e.metrics)


@pytest.mark.parametrize('key, value, words', [
    ('val_cfg.selection', {'det/map': 1.0},
     "val_cfg.selection` names 'det/map', but the metrics are"),
    ('default_hooks.checkpoint.save_best', 'mIoU', "save_best` names 'mIoU'"),
    ('param_scheduler', [dict(type='ReduceOnPlateauLR', monitor='loss')],
     "monitor` names 'loss'"),
    ('val_evaluator.det', dict(type='mmmultas.VOCDetMetric', prefix='seg/m'),
     None),
    ('val_evaluator', dict(det=dict(type='mmmultas.Same', prefix='x'),
                           seg=dict(type='mmmultas.Same', prefix='x')),
     'Two tasks of `val_evaluator` report `x/sum`'),
    ('val_evaluator.det', dict(type='mmdet.CocoMetric'),
     'val_evaluator.det` .CocoMetric. cannot judge .* give it `ann_file`'),
])
def test_mistakes_are_found_before_update_1(tmp_path, key, value, words):
    cfg = toy_config(tmp_path)
    if key == 'val_evaluator':
        cfg.val_evaluator = value
    else:
        cfg.merge_from_dict({key: value})
    if words is None:  # other names, and nobody asks for the old ones
        cfg.val_cfg.selection = {'seg/m/mAP': 1.0}
        build_runner(cfg).train()
        return
    if 'Coco' in str(value):
        cfg.val_evaluator = dict(det=value, seg=cfg.val_evaluator.seg)
    refuse(cfg, words)


def test_metrics_without_a_head(tmp_path):
    cfg = toy_config(tmp_path, model=toy_model(('det', )))
    refuse(cfg, "metrics for 'seg', but `model.heads` has .'det'.")
    cfg.val_evaluator.seg = None
    cfg.val_cfg.selection = {'det/mAP': 1.0}
    build_runner(cfg).train()


@DATASETS.register_module(force=True)
class MovedBoxes(ToyDataset):
    """Records in the pixels of the file, labels in those of the input."""

    def get_data_info(self, index):
        boxes = ToyDataset.__getitem__(self, index)['data_samples']
        return dict(
            super().get_data_info(index), instances=[
                dict(bbox=box, bbox_label=0, ignore_flag=0)
                for box in (2 * boxes.gt_instances.bboxes).tolist()])


def test_labels_before_the_resize(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.val_dataloader.val.dataset.type = 'mmmultas.MovedBoxes'
    refuse(cfg, '`val_dataloader.val` are resized .* behind the resize')


@METRICS.register_module(force=True)
class Silent(BaseMetric):
    """Says nothing where there is little, as stock metrics do."""

    def process(self, data_batch, data_samples):
        self.results += [0] * len(data_samples)

    def compute_metrics(self, results):
        return dict(sum=0.0) if len(results) > 1 else {}


@METRICS.register_module(force=True)
class Same(Silent):
    """A name that other metrics may have, too."""

    def compute_metrics(self, results):
        return dict(sum=0.0)


def test_a_metric_that_does_not_tell_its_names(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.val_evaluator.seg = dict(type='mmmultas.Silent')
    cfg.val_cfg.selection = {'seg/sum': 1.0}
    runner = build_runner(cfg)
    runner.train()
    assert rehearse(runner.val_loop) is None


def test_stock_metrics_are_heard(tmp_path):
    boxes = dict(
        images=[dict(id=i, file_name=f'{i}', width=64, height=64)
                for i in range(5)],
        annotations=[dict(id=1, image_id=0, category_id=1, area=9,
                          bbox=[1, 1, 3, 3], iscrowd=0)],
        categories=[dict(id=i + 1, name=name)
                    for i, name in enumerate(('square', 'bar'))])
    (tmp_path / 'x.json').write_text(json.dumps(boxes))
    cfg = toy_config(tmp_path / 'run', epochs=1)
    cfg.val_evaluator.det = dict(
        type='mmdet.CocoMetric', ann_file=str(tmp_path / 'x.json'))
    cfg.val_cfg.selection = {'det/bbox_mAP_9': 1.0}
    refuse(cfg, "names 'det/bbox_mAP_9', but .*'(coco|det)/bbox_mAP_50'")


def test_sizes_of_evaluation_are_those_of_predictions(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.val_evaluator.seg.eval_size = (32, 32)
    cfg.model.heads.seg.test_cfg = dict(eval_size=(32, 32))
    build_runner(cfg).train()


@METRICS.register_module(force=True)
class Shy(Silent):
    """Says a name in the rehearsal only, as CocoMetric without boxes."""
    told = 0

    def compute_metrics(self, results):
        Shy.told += 1
        return dict(sum=1.0) if Shy.told == 1 else {}


def test_a_metric_that_falls_silent_is_not_available(tmp_path):
    Shy.told = 0
    cfg = toy_config(tmp_path, epochs=1)
    cfg.val_evaluator.seg = dict(type='mmmultas.Shy')
    cfg.val_cfg.selection = {'seg/sum': 1.0, 'det/mAP': 1.0}
    cfg.default_hooks.checkpoint.save_best = 'seg/sum'
    runner = build_runner(cfg)
    runner.train()
    [score] = runner.message_hub.get_info('selection_history').values()
    assert score >= 0


def test_metrics_that_write_files_are_left_out(tmp_path):
    cfg = toy_config(tmp_path / 'run', epochs=1)
    cfg.val_evaluator.seg = [cfg.val_evaluator.seg, dict(
        type='mmengine.DumpResults', out_file_path=str(tmp_path / 'x.pkl'))]
    runner = build_runner(cfg)
    assert rehearse(runner.build_val_loop(runner._val_loop)) is None
    assert not (tmp_path / 'x.pkl').exists()
