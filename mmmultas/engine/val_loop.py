"""Validation and test: one pass per stream, one evaluator per task."""
import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop
from mmengine.runner.amp import autocast

from mmmultas.registry import EVALUATOR, LOOPS
from mmmultas.utils.errors import ConfigError

from .checks import check_classes
from .interrupt import CutValidation, StopSignals
from .seeds import seed_update
from .selection import Selection, selection_score
from .streams import build_eval_loader, check_streams, joint_metainfo

__all__ = ['MultiTaskTestLoop', 'MultiTaskValLoop', 'selection_score']


class _EvalLoop(BaseLoop):
    """What validation and test share."""
    #: ``'val'`` or ``'test'``: names of hooks, config keys.
    mode: str
    #: Names of the metrics, as far as a rehearsal has heard them.
    known_names: frozenset[str] = frozenset()
    #: What asks a training run to stop.
    stop: StopSignals | None = None

    def __init__(self,
                 runner: Any,
                 dataloader: dict[str, Any],
                 evaluator: Mapping[str, Any],
                 fp16: bool = False) -> None:
        check_streams(f'{self.mode}_dataloader', dataloader)
        seed = runner.seed or 0
        self.loaders = {
            name: build_eval_loader(f'{self.mode}_dataloader', name, cfg,
                                    seed)
            for name, cfg in dataloader.items() if cfg is not None
        }
        self._runner = runner
        # MMEngine's hooks ask a loop's `dataloader` for length and data set
        self.dataloader = _Joined(self.loaders)
        self.evaluators = self._build_evaluators(evaluator)
        self.fp16 = fp16

    def _build_evaluators(self, cfgs: Mapping[str, Any]) -> dict[str, Any]:
        key = f'{self.mode}_evaluator'
        if not isinstance(cfgs, Mapping) or 'type' in cfgs or not cfgs:
            raise ConfigError(f'`{key}` is a dict of metrics per task, for '
                              f'example {key}=dict(det=dict(type='
                              "'mmmultas.VOCDetMetric')).")
        meta = self.dataloader.dataset.metainfo
        evaluators = {}
        for task, metrics in cfgs.items():
            if metrics is None:
                continue
            if task not in meta['tasks']:
                raise ConfigError(
                    f'`{key}` has metrics for {task!r}, but no data set of '
                    f'`{self.mode}_dataloader` carries its labels (they '
                    f'carry {meta["tasks"]}).')
            evaluators[task] = EVALUATOR.build(
                dict(
                    type='mmmultas.TaskEvaluator', task=task,
                    metrics=metrics))
            evaluators[task].dataset_meta = meta
        return evaluators

    def _stage(self, name: str, **kwargs: Any) -> None:
        self.runner.call_hook(name.format(self.mode), **kwargs)

    def run(self) -> dict[str, float]:
        """Pass every stream once; return the metrics of all tasks.

        Raises:
            CutValidation: The run is to stop.
        """
        check_classes(self.runner.model, self.dataloader.dataset.metainfo)
        self.check_heads()
        seed_update(self.runner.seed or 0, self.runner.iter)
        self._stage('before_{}')
        self._stage('before_{}_epoch')
        self.runner.model.eval()
        done = 0
        for name, loader in self.loaders.items():
            tasks = self._begin(name)
            for data_batch in loader:
                if self.stop is not None and self.stop.asked:
                    break
                self.run_iter(done, data_batch, tasks)
                done += 1
        self._predict_only(None)
        self._cut_if_asked()
        metrics: dict[str, float] = {}
        for evaluator in self.evaluators.values():
            metrics = self.join_metrics(metrics, evaluator.evaluate())
        metrics = self.finish(self._completed(metrics))
        self._stage('after_{}_epoch', metrics=metrics)
        self._stage('after_{}')
        return metrics

    def _completed(self, metrics: dict[str, float]) -> dict[str, float]:
        """Metrics that stock ones leave out where nothing was found: n/a."""
        missing = sorted(self.known_names - set(metrics))
        if missing:
            print_log(
                f'No value for {", ".join(missing)}: n/a in this pass.',
                logger='current',
                level=logging.WARNING)
        return {**metrics, **dict.fromkeys(missing, math.nan)}

    def join_metrics(self, metrics: Mapping[str, float],
                     more: Mapping[str, float]) -> dict[str, float]:
        """Metrics of several tasks under their names.

        Raises:
            ConfigError: Two have one name.
        """
        for name in metrics:
            if name in more:
                raise ConfigError(
                    f'Two tasks of `{self.mode}_evaluator` report `{name}`: '
                    'give one of the metrics another `prefix`.')
        return {**metrics, **more}

    def lower_is_better(self, name: str) -> bool:
        """Whether some metric declares that ``name`` counts mistakes."""
        return any(evaluator.lower_is_better(name)
                   for evaluator in self.evaluators.values())

    def check_heads(self) -> None:
        """Refuse metrics of a task that nobody predicts.

        Raises:
            ConfigError: The model has no head for it.
        """
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        heads = list(getattr(model, 'heads', self.evaluators))
        for task in self.evaluators:
            if task not in heads:
                raise ConfigError(
                    f'`{self.mode}_evaluator` has metrics for {task!r}, but '
                    f'`model.heads` has {heads}: add the head, or set '
                    f'`{self.mode}_evaluator.{task}=None`.')

    def _cut_if_asked(self) -> None:
        """Leave before the metrics, with the model as it was in training.

        Processes have batches of different number: they can agree only
        here.
        """
        if self.stop is None or not self.stop.agreed():
            return
        for hook in self.runner.hooks:
            if hasattr(hook, 'ema_model'):  # lent its weights for the pass
                hook.after_val_epoch(self.runner)
        raise CutValidation

    def finish(self, metrics: dict[str, float]) -> dict[str, float]:
        """What else is said of a pass."""
        return metrics

    def _begin(self, name: str) -> tuple[str, ...]:
        """Announce a stream; the tasks that its images are evaluated for."""
        dataset: Any = self.loaders[name].dataset
        for evaluator in self.evaluators.values():
            evaluator.begin_stream(len(dataset))
        carried = dict(dataset.metainfo).get('tasks', ())
        tasks = tuple(t for t in self.evaluators if t in carried)
        self._predict_only(tasks)
        return tasks

    def _predict_only(self, tasks: tuple[str, ...] | None) -> None:
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        model.predict_only(tasks)

    @torch.no_grad()
    def run_iter(self, index: int, data_batch: dict[str, Any],
                 tasks: tuple[str, ...]) -> None:
        """One batch through the network, then to every task's evaluator."""
        self._stage(
            'before_{}_iter', batch_idx=index, data_batch=data_batch)
        outputs = self.predict(data_batch)
        for evaluator in self.evaluators.values():
            evaluator.process(data_samples=outputs, data_batch=data_batch)
        self._stage(
            'after_{}_iter',
            batch_idx=index,
            data_batch=data_batch,
            outputs=outputs)


    def predict(self, data_batch: dict[str, Any]) -> Any:
        """One batch through the network."""
        step = getattr(self.runner.model, f'{self.mode}_step')
        with autocast(enabled=self.fp16):
            return step(data_batch)


class _Joined:
    """Several loaders as one, for hooks that ask for length and names."""

    def __init__(self, loaders: Mapping[str, Any]) -> None:
        self.loaders = loaders
        self.dataset = type('Datasets', (), {})()
        self.dataset.metainfo = joint_metainfo(
            [loader.dataset for loader in loaders.values()])

    def __len__(self) -> int:
        return sum(len(loader) for loader in self.loaders.values())


@LOOPS.register_module()
class MultiTaskValLoop(_EvalLoop):
    """Validation; adds ``score``, by which models are selected.

    A stream that carries the labels of several tasks passes the network
    once.

    Args:
        runner: The runner.
        dataloader: One loader config per stream.
        evaluator: Config(s) of the metrics of each task.
        fp16: Whether the network runs under autocast.
        selection: Weight of each metric in ``score``, for example
            ``{'det/mAP': 1, 'seg/mIoU': 1}``; or ``'delta_m'``, the mean
            relative gain over ``single_task``; None for no score.
        single_task: Metric → its value in a network for one task
            (:class:`~mmmultas.engine.selection.Selection`).
    """
    mode = 'val'

    def __init__(self,
                 runner: Any,
                 dataloader: dict[str, Any],
                 evaluator: Mapping[str, Any],
                 fp16: bool = False,
                 selection: Mapping[str, float] | str | None = None,
                 single_task: Mapping[str, float] | None = None) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self._select = Selection(selection or {}, single_task,
                                 self.lower_is_better)

    @property
    def selection(self) -> dict[str, float]:
        """Weight of each metric in ``score``."""
        return self._select.weights

    def finish(self, metrics: dict[str, float]) -> dict[str, float]:
        """Add the score and keep the history of scores, by epoch."""
        hub = self.runner.message_hub
        # for whoever resumes a checkpoint that is written from here on
        hub.update_info('epoch_validated', int(self.runner.epoch))
        if not self.selection:
            return metrics
        score = self._select.score(metrics)
        history = dict(hub.runtime_info.get('selection_history', {}))
        history[int(self.runner.epoch)] = score
        hub.update_info('selection_history', history)
        print_log(
            f'score {score:.4f} = {self._select}', logger='current')
        return dict(metrics, score=score)


@LOOPS.register_module()
class MultiTaskTestLoop(_EvalLoop):
    """Test: as validation, without a score."""
    mode = 'test'
