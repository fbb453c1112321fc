"""One evaluator per task over samples that may lack its label."""
from collections.abc import Sequence
from typing import Any

from mmengine.dist import (broadcast_object_list, gather_object,
                           get_dist_info)
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.evaluator.metric import _to_cpu
from mmengine.structures import BaseDataElement

from mmmultas.registry import EVALUATOR
from mmmultas.structures import (DET, KINDS, SEG, annotated_for, kind_of,
                                 view_of)
from mmmultas.utils.errors import ConfigError

__all__ = ['TaskEvaluator']

#: Default prefixes of metrics that judge any task of their kind.
_KIND_NAMES = frozenset({DET, SEG, *KINDS})
#: (number of the stream, position in its data set)
Place = tuple[int, int]


@EVALUATOR.register_module()
class TaskEvaluator(Evaluator):
    """Feed the metrics of one task the samples that carry its label.

    Stock metrics serve as they are. Ranks may hold different numbers of
    samples: their results are joined without loss or repetition in the order
    of the data set, so that metrics do not depend on the number of
    processes. Rank r is taken to walk the samples r, r + W, r + 2W, ... of a
    data set, as ``mmmultas.EvalSampler`` and mmengine's ``DefaultSampler``
    do; what the latter repeats at the end is dropped.

    Args:
        task: Name of the task, as in the samples' metainfo ``tasks``.
        metrics: Config(s) of the metrics. One without prefix, or of ours
            with that of its kind, gets ``task``.
    """

    def __init__(self, task: str,
                 metrics: dict | BaseMetric | Sequence) -> None:
        super().__init__(metrics)
        self.task = task
        for metric in self.metrics:
            if metric.prefix is None or (
                    metric.prefix == metric.default_prefix
                    and metric.prefix in _KIND_NAMES):
                metric.prefix = task
        self._places: list[list[Place]] = [[] for _ in self.metrics]
        self._sizes: list[int | None] = []
        self._seen = 0

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the data set, of all tasks."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        """Hand each metric the part of its task, or all if there is none."""
        self._dataset_meta = dataset_meta
        for metric in self.metrics:
            metric.dataset_meta = dataset_meta.get(self.task, dataset_meta)

    def begin_stream(self, size: int | None = None) -> None:
        """Say that samples of another data set follow.

        Needed only when several streams feed one evaluation, before each of
        them.

        Args:
            size: Number of samples of the data set over all ranks; later
                ones are repetitions of a sampler that pads.
        """
        self._sizes.append(size)
        self._seen = 0

    def process(self,
                data_samples: Sequence[BaseDataElement],
                data_batch: Any | None = None) -> None:
        """Pass the samples with the task's label on to the metrics.

        Args:
            data_samples: Samples with predictions, or their dicts.
            data_batch: The loader's batch, handed on as it is.
        """
        if not self._sizes:
            self.begin_stream()
        rank, world_size = get_dist_info()
        kept, places = [], []
        for sample in data_samples:
            position = rank + world_size * self._seen
            self._seen += 1
            if isinstance(sample, BaseDataElement):
                sample = sample.to_dict()
            size = self._sizes[-1]
            repeated = size is not None and position >= size
            if self.task in sample.get('tasks', ()) and not repeated:
                kept.append(self._viewed(self._with_asked(sample)))
                places.append((len(self._sizes), position))
        if not kept:
            return
        for metric, known in zip(self.metrics, self._places):
            before = len(metric.results)
            metric.process(data_batch, kept)
            added = len(metric.results) - before
            # A metric that does not store one entry per sample keeps the
            # order of the batches.
            known += places if added == len(kept) else [places[0]] * added

    def _viewed(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The label where metrics of its kind look for it."""
        kind = kind_of(self.task, self._dataset_meta)
        viewed: dict[str, Any] = view_of(sample, self.task, kind)
        return viewed

    def _with_asked(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Tell metrics of an image in which some classes were not looked for.

        Raises:
            ConfigError: A metric that would count them as wrong.
        """
        asked = annotated_for(sample, self.task)
        if asked is None:
            return sample
        for metric in self.metrics:
            if not getattr(metric, 'partial_classes', False):
                raise ConfigError(
                    f'{sample.get("img_path", "A sample")} is annotated for '
                    f'some classes of {self.task!r} only, and a '
                    f'{type(metric).__name__} counts the others as wrong: '
                    'take mmmultas.VOCDetMetric or mmmultas.SegMetric, or '
                    'evaluate on images that are annotated for all classes.')
        return dict(sample, asked_classes=asked)

    def evaluate(self, size: int | None = None) -> dict[str, float]:
        """Join the results of all ranks and compute each metric once.

        Args:
            size: Number of samples of the data set, when there is only one
                stream and :meth:`begin_stream` was not called with a size.

        Returns:
            dict: The same scores on every rank.

        Raises:
            ConfigError: No sample carried the task's label, or two metrics
                report under one name.
        """
        scores: dict[str, float] = {}
        try:
            for metric, places in zip(self.metrics, self._places):
                for name, value in self._compute(metric, places,
                                                 size).items():
                    if name in scores:
                        raise ConfigError(
                            f"Two metrics of val_evaluator['{self.task}'] "
                            f'report `{name}`: give one a `prefix`.')
                    scores[name] = value
        finally:
            self.reset()
        return scores

    def _compute(self, metric: BaseMetric, places: list[Place],
                 size: int | None) -> dict[str, float]:
        """Gather on rank 0, compute there, tell every rank the outcome."""
        parts = gather_object(list(zip(places, metric.results)))
        outcome: list = [None]
        if parts is not None:
            try:
                outcome[0] = self._compute_joined(metric, parts, size)
            except Exception as error:
                # Raised on every rank: the others wait for the outcome.
                outcome[0] = error
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _compute_joined(self, metric: BaseMetric, parts: list[list],
                        size: int | None) -> dict[str, float]:
        joined = sorted((entry for part in parts for entry in part),
                        key=lambda entry: entry[0])
        if size is not None and self._sizes in ([], [None]):
            joined = [entry for entry in joined if entry[0][1] < size]
        if not joined:
            raise ConfigError(
                f"val_evaluator['{self.task}'] met no sample with the label "
                f'{self.task!r}: name it in `tasks` of an evaluation stream '
                'or remove the evaluator.')
        scores = metric.compute_metrics(
            _to_cpu([result for _, result in joined]))
        return {f'{metric.prefix}/{key}': v for key, v in scores.items()}

    def lower_is_better(self, name: str) -> bool:
        """Whether a metric that is reported under ``name`` counts mistakes.

        Metrics declare it: ``lower_is_better`` of their class is a tuple of
        the names that they report, without prefix.
        """
        prefix, _, key = name.rpartition('/')
        return any(
            metric.prefix == prefix
            and key in getattr(metric, 'lower_is_better', ())
            for metric in self.metrics)

    def reset(self) -> None:
        """Forget what was processed."""
        for metric, places in zip(self.metrics, self._places):
            metric.results.clear()
            places.clear()
        self._sizes.clear()
        self._seen = 0
