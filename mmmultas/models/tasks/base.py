"""What the model must know of a kind of labels, in one place per kind."""
from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmmultas.structures import canonical_name, gt_field, view_of
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full

from ..losses.loss_sum import LossSum
from ..rows import take_rows

__all__ = ['Read', 'Task', 'outputs_in_full', 'pooled']

#: Levels of (N, C, H, W).
Levels = tuple[Tensor, ...]


class Read(NamedTuple):
    """What a head read of N images, and what it said.

    Attributes:
        inputs: Levels of (N, C, H, W).
        outputs: The head's raw outputs, nested tensors of N rows. None where
            nobody but the head itself asks: it may then find its loss in a
            cheaper way.
    """
    inputs: Levels
    outputs: Any = None

    def take(self, rows: Sequence[int], total: int) -> 'Read':
        """Some rows of the N = ``total``; all of them without a copy."""
        inputs = take_rows(self.inputs, rows, total)
        return Read(tuple(inputs), take_rows(self.outputs, rows, total))


class Task(metaclass=ABCMeta):
    """Builds, trains and asks the heads of one kind of labels.

    A child registers in ``TASKS`` under the name of its kind.

    Args:
        cfg: The head's config. ``in_index`` (a list of level indices) is
            read by tasks whose heads have no such argument.
        name: The task's name; by default the kind's own (``det``).
    """
    #: What labels are: 'boxes', 'classes', ...
    kind: str = ''
    #: Scope in which a head's type without a prefix is looked up.
    scope: str = 'mmmultas'
    #: The package's class of heads, with ``loss`` and ``predict``.
    stock_head: Any = None
    #: What a map of this kind holds where there is no image.
    fill: float = 255
    #: Whether :meth:`shown` draws: classes are sampled, not averaged.
    draws = False

    def __init__(self, cfg: Mapping[str, Any], name: str = '') -> None:
        self.name = name or canonical_name(self.kind)
        self.cfg = ConfigDict(cfg)

    @classmethod
    def resize_label(cls, label: Tensor, shape: tuple[int, int]) -> Tensor:
        """A label map (C, H, W) at another size; nearest by default."""
        resized = F.interpolate(label[None].float(), size=shape)[0]
        return resized.to(label.dtype)

    @property
    def key(self) -> str:
        """Config key of the head, for messages."""
        return f'model.heads.{self.name}'

    @abstractmethod
    def build_head(self) -> nn.Module:
        """Build the head of ``cfg``."""

    def head_loss(self, head: Any, read: Read,
                  samples: SampleList) -> dict[str, Tensor | list[Tensor]]:
        """Losses of a head that has no ``loss_sums``, means of its samples.

        Args:
            head: The head.
            read: What it read; its ``outputs`` are None where the head
                cannot be asked in two steps (:meth:`splits`).
            samples: N samples, with the label under its stock name.
        """
        losses: dict[str, Any] = head.loss(
            self.select(head, read.inputs), samples)
        return losses

    @abstractmethod
    def predict(self, head: Any, read: Read, samples: SampleList) -> None:
        """Write predictions into ``samples``.

        Args:
            head: The head.
            read: What it read, and perhaps its raw outputs.
            samples: N samples; the field is ``pred_field(self.name)``.
        """

    def splits(self, head: Any) -> bool:
        """Whether losses and predictions follow from raw outputs alone.

        Ours do, and those that leave the two steps of their package alone.
        Others can be asked, but not read by another head.
        """
        kind, base = type(head), self.stock_head
        return hasattr(head, 'loss_sums_by_feat') or (
            base is not None
            and getattr(kind, 'loss', None) is base.loss
            and getattr(kind, 'predict', None) is base.predict)

    def view(self, sample: DetDataSample) -> DetDataSample:
        """The sample as a head wants it: its label under the stock name."""
        view: DetDataSample = view_of(sample, self.name, self.kind)
        return view

    def check_flip(self, head: Any) -> None:
        """Raise unless :meth:`predict_flipped` can serve this head.

        Raises:
            ConfigError: The task or its head cannot join two views.
        """
        raise ConfigError(
            f'Flip test-time augmentation does not know how to join the '
            f'predictions of a {type(head).__name__} '
            f'({type(self).__name__}): switch it off.')

    def predict_flipped(self, head: Any, read: Read, mirrored: Read,
                        samples: SampleList) -> None:
        """Write what an image and its mirror image say together.

        A task without it leaves :meth:`check_flip` as it is, which refuses
        before this could be called.

        Args:
            head: The head.
            read: What it read of the images.
            mirrored: What it read of the same images, mirrored left and
                right inside their ``img_shape``, padding still on the right.
            samples: N samples.
        """
        raise NotImplementedError

    def select(self, head: Any, feats: Levels) -> Levels:
        """The levels that the head reads, as it wants them."""
        return feats

    def reads(self, head: Any, count: int) -> set[int]:
        """Which of ``count`` levels the head takes (its ``in_index``)."""
        index = getattr(head, 'in_index', None)
        if index is None:
            return set(range(count))
        chosen = [index] if isinstance(index, int) else index
        return {i % count for i in chosen}

    def forward(self, head: Any, feats: Levels) -> Any:
        """Raw outputs of the head."""
        return head(self.select(head, feats))

    def losses(self, head: Any, read: Read,
               samples: SampleList) -> dict[str, LossSum]:
        """Losses of N labelled samples, as numerators and denominators.

        Our heads say their sums; a stock head's mean counts with the number
        of its samples, which is what it would weigh in one joint batch.
        """
        views = [self.view(sample) for sample in samples]
        return self.sums_of(head, read, views)

    def sums_of(self, head: Any, read: Read,
                views: SampleList) -> dict[str, LossSum]:
        """:meth:`losses` of one head, on samples as that head wants them."""
        if not getattr(head, 'partial_classes', False):
            self.refuse_partial_classes(head, views)
        if not hasattr(head, 'loss_sums'):
            with outputs_in_full(head):
                losses = self.head_loss(head, read, views)
            return self._as_sums(losses, len(views))
        if read.outputs is not None and hasattr(head, 'loss_sums_by_feat'):
            terms = head.loss_sums_by_feat(read.outputs, views)
        else:
            terms = head.loss_sums(self.select(head, read.inputs), views)
        _check_counted(head, terms)
        sums: dict[str, LossSum] = terms
        return sums

    def refuse_partial_classes(self, head: Any,
                               samples: SampleList) -> None:
        """A head would learn that classes nobody looked for are absent.

        Those of this package do not; others say ``partial_classes = True``
        and read ``unasked_classes`` of the samples' metainfo.

        Raises:
            ConfigError: A sample whose ``annotated`` names this task.
        """
        own = canonical_name(self.kind)
        for sample in samples:
            if own in (sample.metainfo.get('annotated') or {}):
                raise ConfigError(
                    f'{sample.metainfo.get("img_path", "A sample")} is '
                    f'annotated for some classes of {self.name!r} only, and '
                    f'a {type(head).__name__} cannot leave the others out: '
                    'take a head of this package (docs/heads.md), or remove '
                    '`annotated`.')

    def map_channels(self, head: Any) -> int:
        """Channels of :meth:`said_map`.

        Raises:
            ConfigError: What this kind says is no map.
        """
        raise ConfigError(
            f'`{self.key}` is of the kind {self.kind!r}, which says no map '
            'that could be compared with those of other tasks: name the '
            "companion's `tasks` without it.")

    def said_map(self, head: Any, outputs: Any,
                 size: tuple[int, int]) -> Tensor:
        """What raw outputs say of every pixel, (N, C, H, W) float32.

        Args:
            head: The head.
            outputs: Raw outputs of N images.
            size: Height and width of the input.
        """
        raise NotImplementedError

    def compared(self, maps: Tensor) -> Tensor:
        """:meth:`said_map` in numbers that two predictions agree in."""
        return maps

    def moved(self, maps: Tensor, zoom: Tensor, mirror: Tensor) -> Tensor:
        """What :meth:`said_map` would say in another view of its images.

        Args:
            maps: (N, C, H, W), already at the places of the other view.
            zoom: (N, 1, 1, 1), by which the other view enlarges.
            mirror: (N, 1, 1, 1), -1 where it is the mirror image, else 1.
        """
        return maps

    def shown(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """:meth:`said_map` as another network reads it, (N, C, H, W).

        Args:
            maps: What the head says.
            noise: Of a draw, where :attr:`draws` says that there is one.
        """
        return maps

    def shown_label(self, head: Any, samples: SampleList) -> Tensor:
        """Labels of N samples as another network reads them."""
        raise NotImplementedError

    def counted_terms(self, head: Any) -> tuple[str, ...]:
        """Terms of :meth:`losses` whose counts are those of all processes.

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

    def checked(self, sample: DetDataSample) -> Any:
        """A view's label, or an error that names the image.

        Raises:
            ConfigError: It is announced and not there.
        """
        field = gt_field(canonical_name(self.kind))
        if field not in sample:
            raise ConfigError(
                f'{sample.metainfo.get("img_path", "A sample")} says that '
                f'{self.name!r} is annotated but has no '
                f'`{gt_field(self.name)}`: load it in the pipeline of its '
                'data set.')
        return sample.get(field)


def pooled(sums: Iterable[Mapping[str, LossSum]]) -> dict[str, LossSum]:
    """Add up the terms of several groups, by name."""
    joint: dict[str, LossSum] = {}
    for terms in sums:
        for name, term in terms.items():
            joint[name] = joint[name].merge(term) if name in joint else term
    return joint


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
