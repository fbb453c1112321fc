"""Maps of numbers: depth, normals, edges, saliency.

A head puts out raw maps; what they mean, their loss and how they are brought
to an image's size is said here, once per kind, so that any head serves: one
of this package, or a decode head of MMSegmentation.
"""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import SampleList
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmmultas.functional.dense import (balanced_bce, cosine_loss, depth_loss,
                                       unit_normals, vector_l1_loss)
from mmmultas.functional.task_space import (relative_depth, unit_range,
                                            yes_maps)
from mmmultas.registry import TASKS
from mmmultas.structures import (DEPTH, EDGES, NORMALS, SALIENCY, pred_field)
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full

from ..losses.loss_sum import LossSum
from .base import Read, Task
from .known_heads import check_decode_head

__all__ = ['DenseTask', 'DepthTask', 'EdgeTask', 'NormalTask', 'SaliencyTask']


class DenseTask(Task):
    """Adapter of heads that put out one map per channel.

    Args:
        cfg: Config of a head that is called with the levels and gives
            (N, C, h, w): :class:`DenseHead`, or a decode head. Its
            ``num_classes`` is set to the channels of the kind.
        name: The task's name.
    """
    scope = 'mmseg'
    #: Channels of the raw maps.
    channels = 1
    fill = 0

    def build_head(self) -> nn.Module:
        """Build under mmseg's scope; the loss is not the head's.

        Raises:
            ConfigError: A head of another number of channels, or one that
                reads something else than features.
        """
        cfg = dict(self.cfg)
        for key in ('loss_decode', 'ignore_index'):
            if key in cfg:
                raise ConfigError(
                    f'`{self.key}.{key}` would change nothing: the loss is '
                    f'that of the kind {self.kind!r}; leave it out.')
        count = cfg.setdefault('num_classes', self.channels)
        if count != self.channels:
            raise ConfigError(
                f'`{self.key}.num_classes` is {count}, but {self.kind} have '
                f'{self.channels} channel(s): leave it out.')
        check_decode_head(cfg, MODELS, self.key)
        if not str(cfg.get('type')).startswith('mmmultas.'):
            # else mmseg gives one channel to two classes, with a threshold
            cfg.setdefault('out_channels', self.channels)
            if self.channels == 1:
                cfg['num_classes'] = 2
                cfg.setdefault('threshold', 0.5)
        head: Any = MODELS.build(dict(cfg, _scope_=self.scope))
        for name in ('loss_decode', ):
            if isinstance(getattr(head, name, None), nn.Module):
                setattr(head, name, nn.Identity())
        built: nn.Module = head
        return built

    def splits(self, head: Any) -> bool:
        """Raw maps are all that losses and predictions need."""
        return True

    def counted_terms(self, head: Any) -> tuple[str, ...]:
        """One term, ``loss_<kind>``."""
        return (f'loss_{self.kind}', )

    def losses(self, head: Any, read: Read,
               samples: SampleList) -> dict[str, LossSum]:
        """Sum over valid pixels, and their number."""
        truth = self._truth(samples)
        maps = self._maps(head, read, truth.shape[-2:])
        with full_precision():
            total, count = self.loss(maps, truth.to(maps.device))
        return {f'loss_{self.kind}': LossSum(total, count.detach())}

    def loss(self, maps: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """Sum and count of the loss.

        Args:
            maps: Raw maps (N, C, H, W).
            truth: Labels (N, C', H, W).
        """
        raise NotImplementedError

    def meaning(self, maps: Tensor) -> Tensor:
        """What raw maps (N, C, H, W) predict."""
        return maps

    def mirrored(self, maps: Tensor) -> Tensor:
        """Predictions (1, C, H, W) of a mirror image, mirrored back."""
        return maps.flip(-1)

    def map_channels(self, head: Any) -> int:
        """Those of the kind."""
        return self.channels

    def said_map(self, head: Any, outputs: Any,
                 size: tuple[int, int]) -> Tensor:
        """What raw maps mean, in the size of the input."""
        with full_precision():
            return self.meaning(self._maps(head, Read((), outputs), size))

    def shown_label(self, head: Any, samples: SampleList) -> Tensor:
        """Labels as :meth:`shown` would show them if they were said."""
        return self.shown(self._truth(samples).float())

    def _truth(self, samples: SampleList) -> Tensor:
        return torch.stack(
            [self.checked(self.view(sample)).data for sample in samples])

    def predict(self, head: Any, read: Read, samples: SampleList) -> None:
        """Write ``data`` (C, H, W) float32 at each image's own size."""
        maps = self._at_batch_size(head, read, samples)
        for i, sample in enumerate(samples):
            self._write(sample, self._fitted(maps[i:i + 1], sample))

    def check_flip(self, head: Any) -> None:
        """Two maps are averaged."""

    def predict_flipped(self, head: Any, read: Read, mirrored: Read,
                        samples: SampleList) -> None:
        """Average what an image and its mirror image say."""
        seen = self._at_batch_size(head, read, samples)
        other = self._at_batch_size(head, mirrored, samples)
        for i, sample in enumerate(samples):
            first = self._fitted(seen[i:i + 1], sample)
            second = self._fitted(other[i:i + 1], sample, flip=True)
            self._write(sample, self.joined((first + second) / 2))

    def joined(self, maps: Tensor) -> Tensor:
        """The mean of two predictions (1, C, H, W) as a prediction."""
        return maps

    def _write(self, sample: Any, maps: Tensor) -> None:
        setattr(sample, pred_field(self.name), PixelData(data=maps[0]))

    def _maps(self, head: Any, read: Read, size: Sequence[int]) -> Tensor:
        """Raw maps (N, C, H, W) float32 at the size of the batch."""
        maps: Tensor = read.outputs
        if maps is None:
            maps = self.forward(head, read.inputs)
        if getattr(head, 'overshoots', False):
            maps = maps[..., :size[0], :size[1]]
        with full_precision():
            return self._resized(in_full(maps), size)

    def _at_batch_size(self, head: Any, read: Read,
                       samples: SampleList) -> Tensor:
        size = samples[0].metainfo['batch_input_shape']
        return self.meaning(self._maps(head, read, size))

    def _fitted(self, maps: Tensor, sample: Any, flip: bool = False) -> Tensor:
        """Cut the padding off, mirror on demand, resize: (1, C, h, w)."""
        height, width = sample.metainfo['img_shape'][:2]
        maps = maps[..., :height, :width]
        if flip:
            maps = self.mirrored(maps)
        return self.joined(
            self._resized(maps, sample.metainfo['ori_shape'][:2]))

    @staticmethod
    def _resized(maps: Tensor, size: Any) -> Tensor:
        if maps.shape[-2:] == tuple(size):
            return maps
        return F.interpolate(maps, size=tuple(size), mode='bilinear')


@TASKS.register_module(name=DEPTH)
class DepthTask(DenseTask):
    """Absolute error over valid pixels; predictions are at least 0."""
    kind = DEPTH

    def loss(self, maps: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """SPEC-MTPSL 4."""
        return depth_loss(maps, truth)

    def meaning(self, maps: Tensor) -> Tensor:
        """Depth in the unit of the labels."""
        return maps.clamp(min=0)

    def said_map(self, head: Any, outputs: Any,
                 size: tuple[int, int]) -> Tensor:
        """Raw depth: what is below 0 keeps its gradient."""
        return self._maps(head, Read((), outputs), size)

    def moved(self, maps: Tensor, zoom: Tensor, mirror: Tensor) -> Tensor:
        """What is enlarged is nearer."""
        return maps / zoom

    def shown(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """By the largest depth of the image."""
        return relative_depth(maps)

    @classmethod
    def resize_label(cls, label: Tensor, shape: tuple[int, int]) -> Tensor:
        """Nearest; what is enlarged by a factor is nearer by it."""
        zoom = (shape[0] * shape[1] / label[0].numel())**.5
        return super().resize_label(label, shape) / zoom


@TASKS.register_module(name=NORMALS)
class NormalTask(DenseTask):
    """1 - cosine over valid pixels, or (``distance='l1'``) absolute error."""
    kind = NORMALS
    channels = 3
    distances = dict(cosine=cosine_loss, l1=vector_l1_loss)

    def __init__(self, cfg: Mapping[str, Any], name: str = '') -> None:
        super().__init__(cfg, name)
        self.distance = self.cfg.pop('distance', 'cosine')
        if self.distance not in self.distances:
            raise ConfigError(f"`{self.key}.distance` is 'cosine' or 'l1', "
                              f'got {self.distance!r}.')

    def loss(self, maps: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """SPEC-MTPSL 4."""
        return self.distances[self.distance](maps, truth)

    def meaning(self, maps: Tensor) -> Tensor:
        """Vectors of length 1."""
        return unit_normals(maps)

    def moved(self, maps: Tensor, zoom: Tensor, mirror: Tensor) -> Tensor:
        """x points to the other side in a mirror image."""
        return torch.cat([maps[:, :1] * mirror, maps[:, 1:]], 1)

    def shown(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """In [0, 1]; what is invalid is 0.5."""
        return unit_range(maps)

    @classmethod
    def resize_label(cls, label: Tensor, shape: tuple[int, int]) -> Tensor:
        """Bilinear, of length 1 again; half a valid pixel is needed."""
        valid = (label.abs().sum(0) > 0).to(label.dtype)
        stack = torch.cat([label, valid[None]])[None]
        maps = F.interpolate(stack, size=shape, mode='bilinear')[0]
        return unit_normals(maps[None, :3])[0] * (maps[3] > .5)

    def joined(self, maps: Tensor) -> Tensor:
        """Of length 1 again."""
        return unit_normals(maps)

    def mirrored(self, maps: Tensor) -> Tensor:
        """Mirrored, and x points to the other side."""
        sign = maps.new_tensor([-1, 1, 1]).reshape(1, 3, 1, 1)
        return maps.flip(-1) * sign


class _YesNoTask(DenseTask):
    """Logistic loss; predictions are probabilities."""
    fill = 255
    #: Factor of the yes; None: the share of the no in each image.
    yes_weight: float | str | None = None

    def __init__(self, cfg: Mapping[str, Any], name: str = '') -> None:
        super().__init__(cfg, name)
        self.yes_weight = self.cfg.pop('yes_weight', self.yes_weight)
        given = self.yes_weight
        if given not in (None, 'batch') and not (
                isinstance(given, int | float) and 0 < given < 1):
            raise ConfigError(f'`{self.key}.yes_weight` is a share between 0 '
                              f"and 1, or 'batch', got {given!r}.")

    def loss(self, maps: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """SPEC-MTPSL 4."""
        return balanced_bce(maps, truth, self.yes_weight)

    def meaning(self, maps: Tensor) -> Tensor:
        """Probabilities."""
        return maps.sigmoid()

    def shown_label(self, head: Any, samples: SampleList) -> Tensor:
        """1 for yes; unknown pixels are 0."""
        return yes_maps(self._truth(samples))


@TASKS.register_module(name=EDGES)
class EdgeTask(_YesNoTask):
    """An edge counts 0.95, other pixels 0.05 (``yes_weight``)."""
    kind = EDGES
    yes_weight = .95

    @classmethod
    def resize_label(cls, label: Tensor, shape: tuple[int, int]) -> Tensor:
        """The maximum where it shrinks: lines of one pixel survive."""
        small = tuple(min(a, b) for a, b in zip(label.shape[-2:], shape))
        edge, void = (F.adaptive_max_pool2d((label == value).float(), small)
                      for value in (1, cls.fill))
        out = torch.where(void > 0, float(cls.fill), 0.)
        out = torch.where(edge > 0, 1., out)
        return super().resize_label(out, shape).to(label.dtype)


@TASKS.register_module(name=SALIENCY)
class SaliencyTask(_YesNoTask):
    """What is salient counts by the share of what is not in its image.

    The survey's code takes the share of the batch (``yes_weight='batch'``):
    over several processes that is the share of each process.
    """
    kind = SALIENCY
