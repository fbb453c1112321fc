"""An exported file where a checkpoint is expected."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmmultas_runtime
from mmengine.registry import DefaultScope

from mmmultas.registry import TRANSFORMS
from mmmultas.structures import CLASSES, kind_of, pred_field, sem_seg_data
from mmmultas.utils.errors import CheckpointError, ConfigError

from ..image_sources import Source
from ..inferencer import MultiTaskInferencer, Prediction
from ..prediction_files import as_sample

__all__ = ['OnnxInferencer', 'answer_by', 'open_model']


def open_model(path: str | Path, **kwargs: Any) -> Any:
    """A ``mmmultas_runtime.Model``.

    Raises:
        CheckpointError: What it says of a file that cannot be used.
    """
    try:
        return mmmultas_runtime.Model(path, **kwargs)
    except mmmultas_runtime.RuntimeFileError as error:
        raise CheckpointError(str(error)) from error


class OnnxInferencer(MultiTaskInferencer):
    """:class:`MultiTaskInferencer` of an exported file.

    Args:
        path: The ONNX file.
        batch_size: Pictures that pass a core together.
        score_thr: Boxes under this score are left out.
        skip_broken: Leave pictures out that cannot be decoded.
        threads: Of onnxruntime; 0 for all cores.

    Raises:
        CheckpointError: No such file, or one of another tool.
        ConfigError: An argument is out of range.
    """

    def __init__(self,
                 path: str | Path,
                 *,
                 batch_size: int = 1,
                 score_thr: float = 0.0,
                 skip_broken: bool = False,
                 threads: int = 0) -> None:
        if batch_size < 1 or not 0 <= score_thr <= 1:
            raise ConfigError('The batch size is at least 1, a score '
                              f'threshold lies in [0, 1]; got {batch_size}, '
                              f'{score_thr}.')
        self.runtime = open_model(
            path, score_thr=score_thr, threads=threads)
        self.meta = self.runtime.tasks
        self.batch_size, self.score_thr = batch_size, score_thr
        self.skip_broken = skip_broken
        self.skipped = []
        with DefaultScope.overwrite_default_scope('mmdet'):
            self._load = TRANSFORMS.build(dict(type='mmmultas.LoadImage'))

    def _forward(self, batch: list[Source]) -> Iterator[Prediction]:
        found = self.runtime([source.image for source in batch],
                             self.batch_size)
        for source, prediction in zip(batch, found):
            path = None if source.path is None else str(source.path)
            yield {**prediction, 'path': path, 'frame': source.frame}


def answer_by(runner: Any, path: str | Path) -> None:
    """Let a file answer for the network of a test, from pictures on.

    Args:
        runner: Before its ``test``; the network in it is not asked.
        path: The ONNX file.

    Raises:
        CheckpointError: A file of other tasks or classes than the data's.
    """
    inferencer = OnnxInferencer(path)

    def step(data: dict[str, Any]) -> list[Any]:
        samples = data['data_samples']
        paths = [sample.metainfo['img_path'] for sample in samples]
        for sample, prediction in zip(samples, inferencer(paths)):
            found = as_sample(prediction)
            for field in found.keys():
                setattr(sample, field, found.get(field))
            for task in prediction.get('maps', {}):
                if kind_of(task, inferencer.meta) == CLASSES:
                    values = sample.get(pred_field(task)).data
                    setattr(sample, pred_field(task),
                            sem_seg_data(values.long()))
        return list(samples)

    wanted = runner.test_loop.dataloader.dataset.metainfo
    for task in runner.model.tasks:
        own, data = inferencer.meta.get(task), wanted.get(task) or {}
        names = list(data.get('classes') or ())
        if (own is None or own['kind'] != kind_of(task, wanted)
                or names and names != list(own.get('classes') or ())):
            said = 'no such task' if own is None else (
                f'{own["kind"]} of {own.get("classes")}')
            raise CheckpointError(
                f'The data have {task!r} with {names or "its"} classes, but '
                f'{path} has {said}: test it with the config that it was '
                'trained with.')
    runner.model.test_step = step
