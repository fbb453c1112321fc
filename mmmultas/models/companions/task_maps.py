"""Rivals of the joint space: networks that draw one task from another."""
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import BOXES, has_task
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.precision import full_precision, in_full

from ..backbones.segnet import WIDTHS, SegNetEncoder, check_widths
from ..heads.pixel_head import PixelHead
from ..heads.segnet_head import SegNetHead
from ..losses.loss_sum import LossSum
from ..multitask.taps import OUTPUTS
from ..necks.segnet import SegNetDecoder
from ..tasks.base import Read
from .base import Asked, Update
from .cross_task import by_size
from .pairs import ImagePair, PairCompanion, Sides

__all__ = ['DirectMapping', 'PerceptualMapping', 'TaskMap']

_SOURCES = ('said', 'labels')


class TaskMap(BaseModule):
    """A SegNet from the maps of one task to raw maps of another.

    Args:
        in_channels: Channels of what the first task shows.
        num_classes: Channels of the second task's maps.
        widths: Channels of the stages.
        like: The network's own head of the second task, whose loss of
            classes is taken where it is one of this package.
    """

    def __init__(self, in_channels: int, num_classes: int,
                 widths: Sequence[int] = WIDTHS, like: Any = None) -> None:
        super().__init__()
        self.encoder = SegNetEncoder(widths, in_channels=in_channels)
        self.decoder = SegNetDecoder(widths)
        self.head = SegNetHead(num_classes, in_channels=widths[0])
        if isinstance(like, PixelHead) and hasattr(like, 'loss_decode'):
            self.head.loss_decode = deepcopy(like.loss_decode)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to raw maps (N, K, H, W)."""
        maps: Tensor = self.head(self.decoder(self.encoder(x)))
        return maps


@MODELS.register_module()
class DirectMapping(PairCompanion):
    """A network per pair draws the labelled task from the predicted one.

    SPEC-MTPSL 5 (Direct-Map): the loss of the labelled task on what is drawn
    teaches both that network and, through the prediction, the heads.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        widths: Channels of the stages of each :class:`TaskMap`.
        source: ``'said'``: predictions are drawn from. ``'labels'``: labels
            of both tasks, so that the networks learn and nothing else does
            (they can be the frozen ones of :class:`PerceptualMapping`).
        **kwargs: Those of :class:`PairCompanion`.

    Raises:
        ConfigError: Something that does not fit.
    """
    #: It divides the sides of images.
    size_divisor = 32

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 widths: Sequence[int] = WIDTHS,
                 source: str = 'said',
                 **kwargs: Any) -> None:
        super().__init__(student, key, **kwargs)
        if source not in _SOURCES:
            raise ConfigError(f"`{key}.source` is 'said' or 'labels', not "
                              f'{source!r}.')
        for task in self.tasks:
            if student.tasks[task].kind == BOXES:
                raise ConfigError(
                    f'`{key}.tasks` names {task!r}, and boxes cannot be '
                    'drawn from another task: leave it out.')
        check_widths(widths, f'{key}.widths')
        self.source = source
        self.networks = ModuleDict({
            f'{s}_to_{t}': TaskMap(self.channels[s], self.channels[t], widths,
                                   student.heads[t])
            for s, t in sorted(self.pairs)
        })

    def tasks_paired(self, labelled: Mapping[str, bool]
                     ) -> list[tuple[str, str]]:
        """Pairs of an image; of labels, all that it has both of."""
        if self.source == 'said':
            return super().tasks_paired(labelled)
        names = [task for task, there in labelled.items() if there]
        return [(s, t) for s in names for t in names
                if (s, t) in self.pairs]

    def needs(self, update: Update) -> Asked:
        """Predictions, where they are drawn from."""
        return super().needs(update) if self.source == 'said' else Asked()

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """One term."""
        return [('xtc', 'loss_map')]

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Sum over pairs; the count is that of images."""
        factor = self.factor()
        if not factor:
            return {}
        return dict(xtc=dict(loss_map=self._counted(
            update, self.map_losses(update), factor)))

    def _counted(self, update: Update, parts: Sequence[Tensor],
                 factor: float) -> LossSum:
        count = torch.tensor(float(self.count(update)), device=next(
            iter(update.inputs.values())).device)
        if not parts:
            return LossSum(count * 0, count, absent=True)
        return LossSum(factor * torch.stack(list(parts)).sum(), count)

    def map_losses(self, update: Update, detach: bool = False
                   ) -> list[Tensor]:
        """Weighted losses of what is drawn, a scalar per pair of tasks.

        Args:
            update: With the outputs of the heads.
            detach: Whether the drawing networks alone learn.
        """
        found = []
        for group in by_size(update, self.image_pairs(update)):
            for names, mine in _by_tasks(group).items():
                x = self._shown(update, mine)
                net = self.networks['_to_'.join(names)]
                raw = net(x.detach() if detach else x)
                found.append(self._label_loss(update, mine, net, raw))
        return found

    def _shown(self, update: Update, pairs: Sequence[ImagePair]) -> Tensor:
        """What the source of each of P pairs shows, (P, C, H, W)."""
        with full_precision():
            if self.source == 'said':
                maps, places = Sides(self, update, pairs).sources()
            else:
                maps, places = Sides(self, update, [
                    ImagePair(p.stream, p.row, p.target, p.source)
                    for p in pairs]).targets()
        device = update.inputs[pairs[0].stream].device
        return maps[0][1][places].to(device)

    @staticmethod
    def _label_loss(update: Update, pairs: Sequence[ImagePair], net: Any,
                    raw: Tensor) -> Tensor:
        adapter = update.model.tasks[pairs[0].target]
        total = []
        for i, pair in enumerate(pairs):
            sample = update.samples[pair.stream][pair.row]
            terms = adapter.losses(net.head, Read((), raw[i:i + 1]), [sample])
            total += [pair.weight * term.mean() for term in terms.values()]
        return torch.stack(total).sum()


@MODELS.register_module()
class PerceptualMapping(DirectMapping):
    """Prediction and label of a task, compared by what is drawn from them.

    SPEC-MTPSL 5 (Perceptual-Map): the networks learn as those of
    :class:`DirectMapping`, from predictions held fixed; of a labelled task,
    what they draw from prediction and label should not differ (L1). With
    ``checkpoint`` the networks are those of another run and stay as they are
    (X-task consistency).

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        checkpoint: Of a run with a :class:`DirectMapping`, whose networks
            are taken and frozen.
        **kwargs: Those of :class:`DirectMapping`; ``full``, ``num_pairs``
            and ``mean_pairs`` are about what teaches the networks, and are
            refused with a checkpoint.

    Raises:
        ConfigError: Something that does not fit.
        CheckpointError: The file has no such networks.
    """

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 checkpoint: str | None = None,
                 **kwargs: Any) -> None:
        super().__init__(student, key, **kwargs)
        if self.source != 'said':
            raise ConfigError(f"`{key}.source` is 'said' here: labels alone "
                              'teach the networks of mmmultas.DirectMapping.')
        self.checkpoint = checkpoint
        for name, idle in (('num_pairs', None), ('mean_pairs', False),
                           ('full', False)):
            if checkpoint is not None and getattr(self, name) != idle:
                raise ConfigError(
                    f'`{key}.{name}` would change nothing with `checkpoint`: '
                    'all that is drawn from a labelled task is compared. '
                    'Leave it out.')
        if checkpoint is not None:
            self.networks.requires_grad_(False)

    def prepare(self, model: Any) -> None:
        """Read the networks of another run."""
        if self.checkpoint is None:
            return
        kept = load_file(self.checkpoint).get('companions', {})
        state = next((own for own in kept.values() if isinstance(own, Mapping)
                      and any(k.startswith('networks.') for k in own)), None)
        try:
            if state is None:
                raise RuntimeError('it has none')
            self.load_state_dict(dict(state))
        except RuntimeError as error:
            raise CheckpointError(
                f'`{self.key}.checkpoint` {self.checkpoint} does not hold the '
                'networks of a mmmultas.DirectMapping between these tasks '
                f'({" ".join(str(error).split())[:200]}): name a checkpoint '
                'of such a run.') from error

    def train(self, mode: bool = True) -> 'PerceptualMapping':
        """Switch modes; frozen networks stay in evaluation."""
        super().train(mode)
        if self.checkpoint is not None:
            self.networks.eval()
        return self

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """One for the networks, one for the heads."""
        own = [('xtc', 'loss_map')] * (self.checkpoint is None)
        return [*own, ('xtc', 'loss_perceptual')]

    def seen_pairs(self, update: Update) -> list[ImagePair]:
        """Labelled tasks, each with all that is drawn from it."""
        found = []
        for stream, batch in update.samples.items():
            for row in self.rows(batch):
                partly = batch[row].metainfo.get('annotated') or {}
                found += [
                    ImagePair(stream, row, s, t) for s, t in sorted(self.pairs)
                    if has_task(batch[row], s) and s not in partly]
        return found

    def needs(self, update: Update) -> Asked:
        """Predictions of labelled tasks, too."""
        asked = super().needs(update) if self.checkpoint is None else Asked()
        for pair in self.seen_pairs(update) if self.factor() else ():
            asked.add(pair.source, pair.stream, [pair.row], OUTPUTS)
        return asked

    def mute_losses(self, carried: Any) -> dict[str, str]:
        """Frozen networks need no task without a label."""
        if self.checkpoint is None:
            return super().mute_losses(carried)
        sources = {source for source, _ in self.pairs}
        if any(sources & set(tasks) for tasks in carried):
            return {}
        return {self.key: 'no image of `train_dataloader` has the label of '
                f'{" or ".join(sorted(sources))}: add such labels, or leave '
                'the companion out.'}

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Sums over pairs; their count is that of images."""
        factor = self.factor()
        if not factor:
            return {}
        found = {}
        if self.checkpoint is None:
            found['loss_map'] = self._counted(
                update, self.map_losses(update, detach=True), factor)
        found['loss_perceptual'] = self._counted(
            update, self._perceptual(update), factor)
        return dict(xtc=found)

    def _perceptual(self, update: Update) -> list[Tensor]:
        found = []
        for group in by_size(update, self.seen_pairs(update)):
            for names, mine in _by_tasks(group).items():
                net = self.networks['_to_'.join(names)]
                found.append(self._difference(update, mine, net))
        return found

    def _difference(self, update: Update, pairs: Sequence[ImagePair],
                    net: Any) -> Tensor:
        """Sum over images of the mean difference of what is drawn."""
        head = update.model.heads[pairs[0].source]
        task = update.model.tasks[pairs[0].source]
        samples = [update.samples[p.stream][p.row] for p in pairs]
        with full_precision():
            label = task.shown_label(head, samples)
        x = self._shown(update, pairs)
        # one pass: batch norm sees both alike; the network does not learn
        net.requires_grad_(False)
        raw = in_full(net(torch.cat([x, label.to(x)])))
        net.requires_grad_(self.checkpoint is None)
        adapter = update.model.tasks[pairs[0].target]
        size = (raw.shape[-2], raw.shape[-1])
        with full_precision():
            drawn = adapter.compared(adapter.said_map(net.head, raw, size))
            said, wanted = drawn.chunk(2)
            return (said - wanted).abs().mean((1, 2, 3)).sum()


def _by_tasks(pairs: Sequence[ImagePair]
              ) -> dict[tuple[str, str], list[ImagePair]]:
    """Pairs of images by their tasks."""
    groups: dict[tuple[str, str], list[ImagePair]] = {}
    for pair in pairs:
        groups.setdefault((pair.source, pair.target), []).append(pair)
    return groups
