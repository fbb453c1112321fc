"""From workers' uint8 to the network's float, per stream."""
import functools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.structures import DetDataSample, SampleList
from mmengine.model import ImgDataPreprocessor
from mmengine.structures import PixelData
from torch import Tensor

from mmmultas.registry import MODELS, TASKS
from mmmultas.structures import (CLASSES, gt_field, ignored_field, kind_of,
                                 lost_field, sem_seg_data)
from mmmultas.utils.errors import ConfigError

__all__ = ['MultiTaskDataPreprocessor', 'check_preprocessor']

_STOCK = ('mmengine', 'mmdet', 'mmseg', 'mmpretrain')


@MODELS.register_module()
class MultiTaskDataPreprocessor(ImgDataPreprocessor):
    """Normalise, pad and stack the batch of each stream.

    Takes ``{stream: batch}`` or one batch ``{'inputs', 'data_samples'}`` and
    returns ``{'inputs': {stream: (N, 3, H, W)}, 'data_samples': {stream:
    [...]}}`` or the same of one batch. Labels become what heads expect:
    boxes plain tensors, masks int64 under both names and, in training,
    padded to the batch's size, other maps with what is invalid there. In
    training the second views of images (:class:`SecondView`) follow them.

    Args:
        mean: Per channel, after ``bgr_to_rgb``, in 0..255.
        std: Per channel, in 0..255.
        bgr_to_rgb: Whether channels are swapped.
        pad_size_divisor: Sides are padded to a multiple of this.
        pad_value: Value of padded pixels, after normalisation.
        seg_pad_value: Label of padded pixels, of classes.
    """

    def __init__(self,
                 mean: tuple[float, ...] = (123.675, 116.28, 103.53),
                 std: tuple[float, ...] = (58.395, 57.12, 57.375),
                 bgr_to_rgb: bool = True,
                 pad_size_divisor: int = 1,
                 pad_value: float = 0,
                 seg_pad_value: int = 255) -> None:
        super().__init__(
            mean=mean,
            std=std,
            bgr_to_rgb=bgr_to_rgb,
            pad_size_divisor=pad_size_divisor,
            pad_value=pad_value)
        self.seg_pad_value = seg_pad_value
        #: Side of the training inputs of a stream, set by MultiScaleHook.
        self.sizes: dict[str, int] = {}

    def forward(self,
                data: dict[str, Any],
                training: bool = False) -> dict[str, Any]:
        """Preprocess one batch or one per stream."""
        if 'inputs' in data:
            return self._one(data, training)
        batches = {
            name: self._one(batch, training, self.sizes.get(name))
            for name, batch in data.items()
        }
        return dict(
            inputs={name: b['inputs']
                    for name, b in batches.items()},
            data_samples={
                name: b['data_samples']
                for name, b in batches.items()
            })

    def _one(self,
             batch: dict[str, Any],
             training: bool,
             size: int | None = None) -> dict[str, Any]:
        if training:
            batch = join_views(batch)
        images = batch['inputs']
        if not isinstance(images, Tensor) and len({i.shape
                                                   for i in images}) == 1:
            # one cast and one normalisation instead of one per image
            batch = dict(batch, inputs=torch.stack(list(images)))
        batch = super().forward(batch, training)
        inputs, samples = batch['inputs'], batch['data_samples']
        if samples is None:
            return batch
        samplelist_boxtype2tensor(samples)
        for sample in samples:
            self._finish(sample, inputs.shape[-2:], training)
        if training and size is not None:
            shape = scaled_shape(inputs.shape[-2:], size)
            if shape != tuple(inputs.shape[-2:]):
                inputs = self._rescale(inputs, samples, shape)
        return dict(inputs=inputs, data_samples=samples)

    def _finish(self, sample: DetDataSample, shape: torch.Size,
                training: bool) -> None:
        sample.set_metainfo(
            dict(batch_input_shape=tuple(shape), pad_shape=tuple(shape)))
        for task, adapter in label_maps(sample):
            field = sample.get(gt_field(task))
            label = field.sem_seg if 'sem_seg' in field else field.data
            if training:
                height, width = label.shape[-2:]
                fill = (self.seg_pad_value
                        if adapter.kind == CLASSES else adapter.fill)
                label = F.pad(
                    label, (0, shape[1] - width, 0, shape[0] - height),
                    value=fill)
            if adapter.kind == CLASSES:
                setattr(sample, gt_field(task), sem_seg_data(label.long()))
            else:
                setattr(sample, gt_field(task), PixelData(data=label))

    @staticmethod
    def _rescale(inputs: Tensor, samples: SampleList,
                 shape: tuple[int, int]) -> Tensor:
        """Resize a squashed batch with its labels (SPEC 5)."""
        height, width = inputs.shape[-2:]
        if any(s.metainfo['img_shape'][:2] != (height, width)
               for s in samples):
            raise ConfigError(
                'Multi-scale wants images of one size in a batch: squash '
                'them in the pipeline, or remove `mmmultas.MultiScaleHook`.')
        factor = inputs.new_tensor([shape[1] / width, shape[0] / height] * 2)
        for sample in samples:
            sample.set_metainfo(
                dict(
                    img_shape=shape,
                    batch_input_shape=shape,
                    pad_shape=shape))
            if 'visible' in sample.metainfo:
                seen = zip(sample.metainfo['visible'], factor.tolist())
                sample.set_metainfo(dict(visible=tuple(x * f for x, f in
                                                       seen)))
            if 'from_teacher' in sample.metainfo:
                rows = [*factor.tolist()[:2], 1.0]
                sample.set_metainfo(dict(from_teacher=tuple(
                    rows[i // 3] * x for i, x in enumerate(
                        sample.metainfo['from_teacher']))))
            if 'from_first' in sample.metainfo:  # both views are resized
                rows = [*factor.tolist()[:2], 1.0]
                sample.set_metainfo(dict(from_first=tuple(
                    rows[i // 3] * x / rows[i % 3] for i, x in enumerate(
                        sample.metainfo['from_first']))))
            for task in sample.metainfo.get('tasks', ()):
                for field in (gt_field(task), ignored_field(task),
                              lost_field(task)):
                    if 'bboxes' in (sample.get(field) or ()):
                        instances = sample.get(field)
                        instances.bboxes = instances.bboxes * factor
            for task, adapter in label_maps(sample):
                field = sample.get(gt_field(task))
                label = adapter.resize_label(field.data, shape)
                setattr(sample, gt_field(task), sem_seg_data(label)
                        if adapter.kind == CLASSES else PixelData(data=label))
        return F.interpolate(inputs, size=shape, mode='bilinear')


def join_views(batch: dict[str, Any]) -> dict[str, Any]:
    """Let second views follow their images, as images of the batch.

    They say in the metainfo ``first_view`` which image they are of.

    Args:
        batch: ``inputs``, and ``data_samples`` of which some or all have a
            ``second_view``.
    """
    samples = batch.get('data_samples') or ()
    if not any('second_view' in sample for sample in samples):
        return batch
    inputs, firsts, seconds = list(batch['inputs']), [], []
    for place, sample in enumerate(samples):
        # copies, of which labels are shared: the batch may be asked again
        first = sample.new()
        if 'second_view' in first:
            second = first.second_view.new()
            second.set_metainfo(dict(first_view=place))
            inputs.append(second.image.data)
            del second.image, first.second_view
            seconds.append(second)
        firsts.append(first)
    return dict(batch, inputs=inputs, data_samples=firsts + seconds)


def label_maps(sample: DetDataSample) -> list[tuple[str, Any]]:
    """Tasks of a sample whose labels are maps, with the adapter of the kind.

    Raises:
        ConfigError: A map of a kind that nobody knows.
    """
    found, meta = [], sample.metainfo
    for task in meta.get('tasks', ()):
        if not isinstance(sample.get(gt_field(task)), PixelData):
            continue
        kind = (meta.get('kinds') or {}).get(task) or kind_of(task)
        adapter = _adapter(kind)
        if adapter is None:
            raise ConfigError(
                f'{meta.get("img_path", "A sample")} carries '
                f'`{gt_field(task)}` of the kind {kind!r}, which has no '
                'adapter: register one in TASKS (docs/add_a_task.md).')
        found.append((task, adapter))
    return found


@functools.cache
def _adapter(kind: str) -> Any:
    """The adapter of a kind; a registry is slow to ask for every sample."""
    return TASKS.get(kind)


def scaled_shape(shape: Sequence[int], side: int) -> tuple[int, int]:
    """(height, width) whose longer side is ``side``, of the same ratio.

    The shorter one is rounded to a multiple of 32, so that all strides up to
    32 divide it.

    Example:
        >>> scaled_shape((320, 320), 384), scaled_shape((320, 640), 448)
        ((384, 384), (224, 448))
    """
    height, width = shape
    factor = side / max(height, width)
    if height == width:
        return side, side
    short = max(round(min(height, width) * factor / 32), 1) * 32
    return (short, side) if height < width else (side, short)


def check_preprocessor(preprocessor: Any) -> None:
    """Refuse those of MMDetection and MMSegmentation.

    Args:
        preprocessor: A model's.

    Raises:
        ConfigError: It takes one batch, and our loops give one per stream.
    """
    kind = type(preprocessor)
    if isinstance(preprocessor, MultiTaskDataPreprocessor):
        return
    if kind.__module__.split('.')[0] in _STOCK:
        raise ConfigError(
            f'`model.data_preprocessor` is a {kind.__name__}, which takes '
            "one batch and not one per stream: take type='mmmultas."
            "MultiTaskDataPreprocessor', which has its `mean`, `std`, "
            '`bgr_to_rgb`, `pad_size_divisor`, `pad_value` and '
            '`seg_pad_value`.')
