"""Predictions from a checkpoint and pictures, nothing else."""
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from mmmultas.registry import TRANSFORMS
from mmmultas.structures import (BOXES, CLASSES, DET, SEG, kind_of,
                                 map_array, pred_field)
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.precision import check_amp, mixed_precision
from mmmultas.utils.progress import progress as progress_bar
from mmmultas.utils.run_files import chosen_checkpoint

from .image_sources import Source, Video, image_sources, is_video
from .saved_model import load_saved_model

__all__ = ['MultiTaskInferencer']

Prediction = dict[str, Any]


class MultiTaskInferencer:
    """Find boxes and classes of pixels in pictures.

    Config, class names and colours come from the checkpoint. Nothing in it
    is executed: the config is read as data, and what is not registered is
    refused.

    Args:
        checkpoint: A checkpoint of training, a published one, or the work
            folder of a run: its best checkpoint, else its last.
        device: For example ``cpu`` or ``cuda:0``; by default a GPU if there
            is one.
        tta: Join what is found in a picture and in its mirror image.
        config: A config file to use in place of the checkpoint's.
        batch_size: Pictures that pass the network together.
        score_thr: Boxes under this score are left out.
        amp: Compute convolutions in 16 bits (float16 on a GPU, bfloat16 on a
            CPU): faster, and a little different.
        skip_broken: Leave pictures out that cannot be decoded; ``skipped``
            holds a sentence for each.

    Raises:
        CheckpointError: The checkpoint is missing, broken, unsafe or of
            another model than its config.
        ConfigError: An argument is out of range, or a head cannot do
            ``tta``, or ``amp`` would be slower here.

    Example::

        inferencer = MultiTaskInferencer('epoch_24.pth')
        for found in inferencer(['a.jpg', 'b.jpg']):
            print(found['path'], found['names'], found['bboxes'])
    """

    def __init__(self,
                 checkpoint: str | Path,
                 device: str | None = None,
                 tta: bool = False,
                 *,
                 config: str | Path | None = None,
                 batch_size: int = 1,
                 score_thr: float = 0.0,
                 skip_broken: bool = False,
                 amp: bool = False) -> None:
        if batch_size < 1:
            raise ConfigError(f'The batch size is at least 1, not '
                              f'{batch_size}.')
        if not 0 <= score_thr <= 1:
            raise ConfigError(f'A score threshold lies in [0, 1]: '
                              f'{score_thr} does not.')
        saved = load_saved_model(
            chosen_checkpoint(checkpoint), config, device)
        self.model = saved.model
        self.model.set_flip_test(tta)
        #: ``classes`` and ``palette`` of each task of the model.
        self.meta = saved.meta
        self.batch_size = batch_size
        self.score_thr = score_thr
        self.skip_broken = skip_broken
        self.amp = amp
        if amp:
            check_amp()
        #: Sentences on the pictures left out, since the latest call.
        self.skipped: list[str] = []
        with DefaultScope.overwrite_default_scope('mmdet'):
            self._load = TRANSFORMS.build(saved.load_image)
            self._pipeline = Compose(
                [*saved.geometry, dict(type='mmmultas.PackInputs')])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the model's tasks."""
        return tuple(self.meta)

    def __call__(self, images: Any, progress: bool = False) -> list:
        """Predict.

        Args:
            images: A path, a folder, a video, an (H, W, 3) uint8 BGR array,
                or a list of paths and arrays.
            progress: Show a progress bar.

        Returns:
            list: One dict per picture, in order: ``path`` (None for an
            array), ``frame`` (of a video, else None), ``height`` and
            ``width``; of a detector ``bboxes`` (M, 4) float32 xyxy in the
            picture's pixels, ``scores`` (M,) float32, ``labels`` (M,) int64
            and ``names``, best score first; of a segmenter ``seg_map``
            (H, W) of class numbers; ``boxes`` of further detectors and
            ``maps`` of further tasks, by name: class numbers, depth in the
            labels' unit, unit vectors (H, W, 3), or probabilities.

        Raises:
            DataError: A path that does not exist, or a picture that cannot
                be decoded.
        """
        self.skipped = []
        sources = Video(images) if is_video(images) else image_sources(images)
        found: Iterable[Prediction] = self.predict(sources)
        if progress:
            found = progress_bar(
                found, total=len(sources) or None, what='predict')
        return list(found)

    def predict(self, sources: Iterable[Source]) -> Iterator[Prediction]:
        """Predict on sources one batch after the other."""
        for pairs in self.batches(sources):
            yield from (prediction for _, prediction in pairs)

    def batches(
        self, sources: Iterable[Source]
    ) -> Iterator[list[tuple[Source, Prediction]]]:
        """Sources, pictures read, beside their predictions, in batches."""
        rest = self.read(sources)
        while batch := list(islice(rest, self.batch_size)):
            yield list(zip(batch, self._forward(batch)))

    def read(self, sources: Iterable[Source]) -> Iterator[Source]:
        """Decode pictures; leave broken ones out if that is wanted."""
        for source in sources:
            if source.image is None:
                try:
                    image = self._load(dict(img_path=str(source.path)))['img']
                except DataError as error:
                    if not self.skip_broken:
                        raise
                    self.skipped.append(str(error))
                    continue
                source = source._replace(image=image)
            yield source

    @torch.no_grad()
    def _forward(self, batch: list[Source]) -> Iterator[Prediction]:
        packed = [self.pack(source) for source in batch]
        with mixed_precision(self.model, self.amp):
            samples = self.model.test_step(
                dict(
                    inputs=[one['inputs'] for one in packed],
                    data_samples=[one['data_samples'] for one in packed]))
        for source, sample in zip(batch, samples):
            yield self._plain(source, sample.cpu())

    def pack(self, source: Source) -> dict[str, Any]:
        """A picture, read, as the model takes it."""
        assert source.image is not None
        shape = source.image.shape[:2]
        return self._pipeline(
            dict(
                img=source.image,
                img_path=str(source.path),
                img_shape=shape,
                ori_shape=shape,
                scale_factor=(1.0, 1.0),
                tasks=()))

    def _plain(self, source: Source, sample: Any) -> Prediction:
        """One prediction as arrays and strings."""
        height, width = sample.metainfo['ori_shape']
        result: Prediction = dict(
            path=None if source.path is None else str(source.path),
            frame=source.frame,
            height=height,
            width=width)
        for task in self.tasks:
            field = pred_field(task)
            if field not in sample:
                continue
            value, kind = sample.get(field), kind_of(task, self.meta)
            if kind == BOXES:
                found = self._boxes(value, self.meta[task]['classes'])
                if task == DET:
                    result.update(found)
                else:
                    result.setdefault('boxes', {})[task] = found
                continue
            values = self._map(value, kind, self.meta[task])
            if task == SEG:
                result['seg_map'] = values
            else:
                result.setdefault('maps', {})[task] = values
        return result

    def _boxes(self, found: Any, names: Any) -> dict[str, Any]:
        """Boxes above the threshold, best score first."""
        found = found[found.scores >= self.score_thr]
        found = found[found.scores.argsort(descending=True, stable=True)]
        return dict(
            bboxes=found.bboxes.numpy(),
            scores=found.scores.numpy(),
            labels=found.labels.numpy(),
            names=[names[label] for label in found.labels.tolist()])

    @staticmethod
    def _map(value: Any, kind: str, meta: Any) -> Any:
        """A map as (H, W) or (H, W, C)."""
        values = map_array(value, kind)
        if kind == CLASSES:
            small = len(meta['classes']) <= 256
            return values.astype(np.uint8 if small else np.int64)
        return values
