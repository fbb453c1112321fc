"""Rivals of the joint space: which prediction belongs to which label."""
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.loss_sum import LossSum
from ..multitask.taps import OUTPUTS
from .base import Asked, Update
from .cross_task import JointSpace, by_size
from .pairs import ImagePair

__all__ = ['CrossTaskContrast', 'CrossTaskDiscriminator']


class _Rivals(JointSpace):
    """Compares a label with the predictions of all images of the batch."""
    #: Name of its term.
    term = ''
    #: Whether somebody was told that an image is alone.
    _said_alone = False

    @property
    def teaches(self) -> bool:
        """Whether network and mapping learn in this update."""
        return True

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """One term."""
        return [('xtc', self.term)]

    def _sources(self, update: Update,
                 pairs: Sequence[ImagePair]) -> list[ImagePair]:
        """Every image in every pair of tasks that some label asks about."""
        shape = update.inputs[pairs[0].stream].shape[1:]
        images = [(stream, row) for stream, batch in update.samples.items()
                  if update.inputs[stream].shape[1:] == shape
                  for row in self.rows(batch)]
        tasks = dict.fromkeys((p.source, p.target) for p in pairs)
        return [ImagePair(*image, *names)
                for names in tasks for image in images]

    def needs(self, update: Update) -> Asked:
        """Predictions of all images."""
        asked = Asked()
        pairs = self.image_pairs(update) if self.factor() else []
        for group in by_size(update, pairs):
            for pair in self._sources(update, group):
                asked.add(pair.source, pair.stream, [pair.row], OUTPUTS)
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Sum over pairs; the count is that of images."""
        factor = self.factor()
        if not factor:
            return {}
        count = torch.tensor(float(self.count(update)), device=next(
            iter(update.inputs.values())).device)
        pairs = self.image_pairs(update)
        totals = []
        for group in by_size(update, pairs):
            sources = self._sources(update, group)
            self._say_alone(sources)
            with torch.set_grad_enabled(self.teaches):
                source, target = self.embed(update, group, sources)
            with full_precision():
                found = self._losses(source.float(), target.float(), _places(
                    group, sources))
                weights = found.new_tensor([p.weight for p in group])
                totals.append((weights * found).sum())
        if not totals:
            value = LossSum(count * 0, count, absent=True)
        else:
            value = LossSum(factor * torch.stack(totals).sum(), count)
        return dict(xtc={self.term: value})

    def _say_alone(self, sources: Sequence[ImagePair]) -> None:
        """Say once that an image has no other one to differ from."""
        if len({s.image for s in sources}) == 1 and not self._said_alone:
            self._said_alone = True
            print_log(
                f'`{self.key}` compares an image with the other images of '
                'its size in an update, and there is none: set a larger '
                '`batch_size`, or leave the companion out.',
                'current', level=logging.WARNING)

    def _losses(self, source: Tensor, target: Tensor,
                places: Tensor) -> Tensor:
        """Loss of each pair, (P,).

        Args:
            source: (S, D, h, w) of predictions.
            target: (P, D, h, w) of labels.
            places: (P, B), which predictions a label meets; that of its own
                image is the first.
        """
        raise NotImplementedError


def _places(pairs: Sequence[ImagePair],
            sources: Sequence[ImagePair]) -> Tensor:
    """Of each pair its own prediction, then those of other images."""
    found = []
    for pair in pairs:
        mine = [i for i, other in enumerate(sources) if (
            other.source, other.target) == (pair.source, pair.target)]
        mine.sort(key=lambda i: sources[i].image != pair.image)
        found.append(mine)
    return torch.tensor(found)


@MODELS.register_module()
class CrossTaskContrast(_Rivals):
    """A label is nearer to its image's prediction than to those of others.

    SPEC-MTPSL 5: cosine distances of embeddings, averaged over positions;
    hinge max(0, d+ - d- + margin), mean over the other images of the batch.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        margin: How much nearer.
        **kwargs: Those of :class:`JointSpace`.
    """
    term = 'loss_contrast'

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 margin: float = 0.2,
                 **kwargs: Any) -> None:
        super().__init__(student, key, **kwargs)
        self.margin = number_of(f'`{key}.margin`', margin)

    def _losses(self, source: Tensor, target: Tensor,
                places: Tensor) -> Tensor:
        source, target = (F.normalize(x.mean((2, 3)), dim=1, eps=1e-12)
                          for x in (source, target))
        cosine = (source[places] * target[:, None]).sum(-1)
        if cosine.shape[1] == 1:  # no other image
            return cosine[:, 0] * 0
        return (cosine[:, 1:] - cosine[:, :1] + self.margin).relu().mean(1)


@MODELS.register_module()
class CrossTaskDiscriminator(_Rivals):
    """A small network tells pairs of one image from pairs of two.

    SPEC-MTPSL 5: both sides minimise its logistic loss, in turn: in even
    updates the discriminator learns, in odd ones network and mapping.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        channels: Channels of the discriminator.
        **kwargs: Those of :class:`JointSpace`.
    """
    term = 'loss_discriminator'

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 mapping: Mapping[str, Any] | None = None,
                 channels: int = 64,
                 **kwargs: Any) -> None:
        super().__init__(student, key, mapping, **kwargs)
        if isinstance(channels, bool) or not isinstance(
                channels, int) or channels < 1:
            raise ConfigError(f'`{key}.channels` is a whole number from 1 on, '
                              f'not {channels!r}.')
        self.discriminator = _Discriminator(
            2 * self.mapping.out_channels, channels)

    @property
    def teaches(self) -> bool:
        """In odd updates."""
        return self.update % 2 == 1

    def _losses(self, source: Tensor, target: Tensor,
                places: Tensor) -> Tensor:
        self.discriminator.requires_grad_(not self.teaches)
        count = places.shape[1]
        pairs = torch.cat([source[places.flatten()],
                           target.repeat_interleave(count, 0)], 1)
        scores = self.discriminator(pairs).reshape(-1, count)
        self.discriminator.requires_grad_(True)
        # one image of its own weighs as much as all others together
        own = F.softplus(-scores[:, 0])
        if count == 1:
            return own
        return (own + F.softplus(scores[:, 1:]).mean(1)) / 2


class _Discriminator(BaseModule):
    """Two convolutions and a mean: (N, 2 D, h, w) to scores (N,)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU(),
            nn.Conv2d(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scores."""
        scores: Tensor = self.layers(x).mean((1, 2, 3))
        return scores
