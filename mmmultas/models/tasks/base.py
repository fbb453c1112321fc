"""What the model must know of a task, in one place per task.

A third task is a new file here, a head, a metric and a config.
"""
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmmultas.utils.precision import full_precision, in_full
from mmmultas.utils.errors import ConfigError

from ..losses.loss_sum import LossSum

__all__ = ['Group', 'Task', 'outputs_in_full']


class Group(NamedTuple):
    """Samples of one input size with their features.

    Attributes:
        feats: Levels of (N, C, H, W).
        samples: The N samples, all with the label of the task at hand.
    """
    feats: tuple[Tensor, ...]
    samples: SampleList


class Task(metaclass=ABCMeta):
    """Builds, trains and asks the head of one task.

    Args:
        cfg: The head's config. ``in_index`` (a list of level indices) is
            read by tasks whose heads have no such argument.
    """
    #: Its name in the samples' ``annotated``.
    name: str = ''
    #: Scope in which a head's type without a prefix is looked up.
    scope: str
    #: Fields of a sample that are this task's ground truth.
    gt_fields: tuple[str, ...]

    def __init__(self, cfg: dict[str, Any]) -> None:
        self.cfg = ConfigDict(cfg)

    @abstractmethod
    def build_head(self) -> nn.Module:
        """Build the head of ``cfg``."""

    @abstractmethod
    def head_loss(self, head: Any,
                  group: Group) -> dict[str, Tensor | list[Tensor]]:
        """Losses of a stock head on one group."""

    @abstractmethod
    def predict(self, head: Any, group: Group) -> None:
        """Write predictions into the samples of ``group``."""

    def check_flip(self, head: Any) -> None:
        """Raise unless :meth:`predict_flipped` can serve this head.

        Raises:
            ConfigError: The task or its head cannot join two views.
        """
        raise ConfigError(
            f'Flip test-time augmentation does not know how to join the '
            f'predictions of a {type(head).__name__} '
            f'({type(self).__name__}): switch it off.')

    def predict_flipped(self, head: Any, group: Group,
                        mirrored: tuple[Tensor, ...]) -> None:
        """Write what an image and its mirror image say together.

        A task without it leaves :meth:`check_flip` as it is, which refuses
        before this could be called.

        Args:
            head: The head.
            group: Features and samples of the images.
            mirrored: Levels of the same images, mirrored left and right
                inside their ``img_shape``, padding still on the right.
        """
        raise NotImplementedError

    def select(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The levels that the head reads."""
        return feats

    def forward(self, head: Any, feats: tuple[Tensor, ...]) -> Any:
        """Raw outputs of the head."""
        return head(self.select(feats))

    def loss_sums(self, head: Any,
                  groups: Sequence[Group]) -> dict[str, LossSum]:
        """Losses as numerators and denominators, pooled over the groups.

        Our heads say their sums; a stock head's mean counts with the number
        of its samples, which is what it would weigh in one joint batch.
        """
        pooled: dict[str, LossSum] = {}
        for feats, samples in groups:
            group = Group(self.select(feats), samples)
            if not getattr(head, 'partial_classes', False):
                self.refuse_partial_classes(head, samples)
            if hasattr(head, 'loss_sums'):
                terms = head.loss_sums(*group)
                _check_counted(head, terms)
            else:
                with outputs_in_full(head):
                    losses = self.head_loss(head, group)
                terms = self._as_sums(losses, len(samples))
            for name, term in terms.items():
                pooled[name] = pooled[name].merge(
                    term) if name in pooled else term
        return pooled

    def refuse_partial_classes(self, head: Any,
                               samples: SampleList) -> None:
        """A head would learn that classes nobody looked for are absent.

        Those of this package do not; others say ``partial_classes = True``
        and read ``unasked_classes`` of the samples' metainfo.

        Raises:
            ConfigError: A sample whose ``annotated`` names this task.
        """
        for sample in samples:
            if self.name in (sample.metainfo.get('annotated') or {}):
                raise ConfigError(
                    f'{sample.metainfo.get("img_path", "A sample")} is '
                    f'annotated for some classes of {self.name!r} only, and '
                    f'a {type(head).__name__} cannot leave the others out: '
                    'take a head of this package (docs/heads.md), or remove '
                    '`annotated`.')

    def counted_terms(self, head: Any) -> tuple[str, ...]:
        """Terms of :meth:`loss_sums` whose counts are those of all processes.

        A stock head's terms are means of their process.
        """
        return tuple(getattr(head, 'loss_terms', ()))

    @staticmethod
    def _as_sums(losses: dict[str, Any], count: int) -> dict[str, LossSum]:
        sums = {}
        for name, value in losses.items():
            if not name.startswith('loss') and 'loss' not in name:
                continue  # statistics such as acc_seg
            values = value if isinstance(value, (list, tuple)) else [value]
            mean = torch.stack([v.mean() for v in values]).sum()
            sums[name] = LossSum(mean * count, mean.new_tensor(float(count)))
        return sums

    @staticmethod
    def checked(sample: DetDataSample, field: str, task: str) -> Any:
        """A ground-truth field, or an error that names the image."""
        if field not in sample:
            raise ConfigError(
                f'{sample.metainfo.get("img_path", "A sample")} says that '
                f'{task!r} is annotated but has no `{field}`: load it in the '
                'pipeline of its data set.')
        return sample.get(field)


@contextmanager
def outputs_in_full(head: Any) -> Iterator[None]:
    """Let what a stock head does with its outputs be done in float32.

    Under autocast they have 16 bits, too few for the corners of a box. Heads
    of both packages call ``loss_by_feat`` and ``predict_by_feat`` with them.
    """
    names = [name for name in ('loss_by_feat', 'predict_by_feat')
             if hasattr(head, name)]

    def full(compute: Any) -> Any:

        def computed(*args: Any, **kwargs: Any) -> Any:
            with full_precision():
                return compute(*in_full(args), **in_full(kwargs))

        return computed

    for name in names:
        setattr(head, name, full(getattr(head, name)))
    try:
        yield
    finally:
        for name in names:
            delattr(head, name)


def _check_counted(head: Any, terms: Mapping[str, LossSum]) -> None:
    """A term that nobody counts would be a mean of its process alone.

    Raises:
        ConfigError: A head gives a term that its ``loss_terms`` lacks.
    """
    named = tuple(getattr(head, 'loss_terms', ()))
    for term in terms:
        if term not in named:
            raise ConfigError(
                f'{type(head).__name__} gives the loss {term!r}, which its '
                f'`loss_terms` {named} does not name: name it there, so that '
                'it is averaged over all processes.')
