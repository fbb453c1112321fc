"""From workers' uint8 to the network's float, per stream."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.structures import DetDataSample, SampleList
from mmengine.model import ImgDataPreprocessor
from mmengine.structures import PixelData
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
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
    padded with ``seg_pad_value`` to the batch's size.

    Args:
        mean: Per channel, after ``bgr_to_rgb``, in 0..255.
        std: Per channel, in 0..255.
        bgr_to_rgb: Whether channels are swapped.
        pad_size_divisor: Sides are padded to a multiple of this.
        pad_value: Value of padded pixels, after normalisation.
        seg_pad_value: Label of padded pixels.
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
        if training:
            _refuse_unknown_maps(sample, shape)
        if 'gt_sem_seg' not in sample:
            return
        labels = sample.gt_sem_seg.sem_seg
        if training:
            height, width = labels.shape[-2:]
            labels = F.pad(
                labels, (0, shape[1] - width, 0, shape[0] - height),
                value=self.seg_pad_value)
        sample.gt_sem_seg = sem_seg_data(labels.long())

    @staticmethod
    def _rescale(inputs: Tensor, samples: SampleList,
                 shape: tuple[int, int]) -> Tensor:
        """Resize a squashed batch, its boxes and its masks (SPEC 5)."""
        height, width = inputs.shape[-2:]
        if any(s.metainfo['img_shape'][:2] != (height, width)
               for s in samples):
            raise ConfigError(
                'Multi-scale wants images of one size in a batch: squash '
                'them in the pipeline, or remove `mmmultas.MultiScaleHook`.')
        _refuse_other_labels(samples)
        factor = inputs.new_tensor([shape[1] / width, shape[0] / height] * 2)
        for sample in samples:
            sample.set_metainfo(
                dict(
                    img_shape=shape,
                    batch_input_shape=shape,
                    pad_shape=shape))
            for field in ('gt_instances', 'ignored_instances'):
                if field in sample:
                    instances = sample.get(field)
                    instances.bboxes = instances.bboxes * factor
            if 'gt_sem_seg' in sample:
                labels = sample.gt_sem_seg.sem_seg[None].float()
                sample.gt_sem_seg = sem_seg_data(
                    F.interpolate(labels, size=shape)[0].long())
        return F.interpolate(inputs, size=shape, mode='bilinear')


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


def _refuse_unknown_maps(sample: DetDataSample, shape: Sequence[int]) -> None:
    """A map of another kind is neither padded nor resized here.

    Raises:
        ConfigError: Its size is not that of the batch.
    """
    for name, label in sample.items():
        if (name != 'gt_sem_seg' and isinstance(label, PixelData)
                and tuple(label.shape) != tuple(shape)):
            raise ConfigError(
                f'`{name}` of {sample.metainfo.get("img_path", "a sample")} '
                f'has {tuple(label.shape)} pixels and the batch '
                f'{tuple(shape)}: only boxes and masks are padded; give all '
                'images one size, a multiple of '
                '`data_preprocessor.pad_size_divisor`.')


def _refuse_other_labels(samples: SampleList) -> None:
    """Multi-scale knows boxes and masks.

    Raises:
        ConfigError: A sample has a label of another kind.
    """
    known = {'gt_instances', 'ignored_instances', 'gt_sem_seg'}
    for sample in samples:
        others = [name for name in sample.keys()
                  if name.startswith('gt_') and name not in known]
        if others:
            raise ConfigError(
                f'mmmultas.MultiScaleHook resizes boxes and masks, but '
                f'samples carry `{others[0]}`: leave their stream out of '
                '`streams` of the hook.')


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
