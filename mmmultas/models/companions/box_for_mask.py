"""Boxes teach masks."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmmultas.functional.box_supervision import (box_cells, inner_boxes,
                                                 line_dice, line_mil,
                                                 narrowed, rank_targets,
                                                 set_losses, smallest_on_top)
from mmmultas.functional.colour_pairs import colour_affinity, colour_likeness
from mmmultas.registry import MODELS
from mmmultas.structures import SEG, annotated_for, has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.distillation import ramp
from ..losses.loss_sum import LossSum
from ..multitask.taps import OUTPUTS
from ..tasks.base import pooled
from .base import Asked, Plan, Update
from .box_view import BoxView, box_view
from .label_spaces import NO_CLASS, Given, Pair
from .pixels import STRIDE, cell_colours, cell_scores, refuse_sigmoids
from .rates import FillRates
from .weak import WeakCompanion

__all__ = ['BoxForMask']

_STATIC = (None, 'filled', 'inner')
_ANY = 255


@MODELS.register_module()
class BoxForMask(WeakCompanion):
    """A segmentation head learns from images that have boxes and no mask.

    Outside of all boxes nothing but classes without boxes (the background)
    may be; inside, those of the boxes as well. Terms, all means over the
    images of an update:

    - ``loss_set``: -log of the probability of any class that may be, over
      the cells of 4 x 4 pixels that show the picture. With ``ranks``, each
      box is filled to its class's usual share, best cells first: the best
      become the class, the worst background, and what lies between stays
      open. With ``static`` boxes are painted instead.
    - ``loss_lines``: every row and column of a box shows its class.
    - ``loss_pairs``: neighbours of like colour show the same class.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        boxes: A task of boxes; all that share classes by default.
        masks: A task of masks; all that share classes by default.
        classes: Which pixel class a box class is, as of
            :class:`WeakCompanion`.
        weight: Factor of all losses.
        ranks: Whether boxes are filled by rank.
        delta: Half the width of the part of a box that stays open.
        rates: Share of its box that an object fills: a number, one per
            pixel class, or None: it is learnt from images with masks.
        ramp_epochs: Epochs in which ``ranks`` come in: the ranks of a head
            that has learnt nothing are noise.
        static: ``'filled'``: boxes painted, the smallest on top;
            ``'inner'``: only the inner fifth of each, the rest open.
        lines_weight: Factor of ``loss_lines``; 0.5 where it is used.
        lines_form: ``'log'``: -log of a line's best probability;
            ``'dice'``: BoxInst's, whose gradient vanishes where nothing is
            seen.
        pairs_weight: Factor of ``loss_pairs``; it needs ranks, static
            targets or lines beside it, for alone it empties boxes.
        pairs_warmup: Updates in which ``loss_pairs`` comes in.
        pairs_threshold: Likeness from which on a pair counts.

    Raises:
        ConfigError: Terms that exclude one another, a head without one score
            per class, or a number out of its range.
    """
    reads, lacks = 'boxes', 'masks'

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.boxes',
                 boxes: str | None = None,
                 masks: str | None = None,
                 classes: Given = None,
                 weight: float = 1.0,
                 ranks: bool = True,
                 delta: float = 0.15,
                 rates: float | Sequence[float] | None = None,
                 ramp_epochs: float = 2,
                 static: str | None = None,
                 lines_weight: float = 0.0,
                 lines_form: str = 'log',
                 pairs_weight: float = 0.0,
                 pairs_warmup: int = 10000,
                 pairs_threshold: float = 0.3) -> None:
        super().__init__(student, key, boxes, masks, classes, weight)
        if static not in _STATIC:
            raise ConfigError(f"`{key}.static` is 'filled' or 'inner', not "
                              f'{static!r}.')
        if ranks and static:
            raise ConfigError(f'`{key}.static` and `{key}.ranks` both say '
                              'what is inside of boxes: set ranks=False, or '
                              'leave `static` out.')
        if pairs_weight and not (ranks or static or lines_weight):
            raise ConfigError(
                f'`{key}.pairs_weight` alone makes boxes empty: set `ranks`, '
                '`static` or `lines_weight`, too.')
        if not ranks:
            self.refuse_idle(dict(delta=delta, rates=rates,
                                  ramp_epochs=ramp_epochs), 'ranks=False')
        if lines_form not in ('log', 'dice'):
            raise ConfigError(f"`{key}.lines_form` is 'log' or 'dice', not "
                              f'{lines_form!r}.')
        if not lines_weight:
            self.refuse_idle(dict(lines_form=lines_form), 'lines_weight=0')
        if not pairs_weight:
            self.refuse_idle(
                dict(pairs_warmup=pairs_warmup,
                     pairs_threshold=pairs_threshold), 'pairs_weight=0')
        self.ranks, self.static = ranks, static
        self.delta = number_of(f'`{key}.delta`', delta, 1)
        self.ramp_epochs = number_of(f'`{key}.ramp_epochs`', ramp_epochs)
        self.lines_form = lines_form
        self.lines_weight = number_of(f'`{key}.lines_weight`', lines_weight)
        self.pairs_weight = number_of(f'`{key}.pairs_weight`', pairs_weight)
        self.pairs_warmup = number_of(f'`{key}.pairs_warmup`', pairs_warmup)
        self.pairs_threshold = number_of(f'`{key}.pairs_threshold`',
                                         pairs_threshold, 1)
        self.rates = {
            masks: FillRates(self._counts[masks], rates, f'{key}.rates')
            for _, masks in self._tasks
        }

    @property
    def reads_view(self) -> list[str]:  # type: ignore[override]
        """Boxes tell of what is outside of them."""
        return [boxes for boxes, _ in self._tasks]

    def prepare(self, model: Any) -> None:
        """Refuse heads that do not give one softmax over their classes."""
        for task in {masks for _, masks in self._tasks}:
            head, name = model.heads[task], model.tasks[task].key
            refuse_sigmoids(head, name, self.key)
            device = next(model.parameters()).device
            modes = {m: m.training for m in model.modules()}
            model.eval()
            with torch.no_grad():
                outs = model.raw_outputs(
                    model.encode(torch.zeros(1, 3, 128, 128, device=device)),
                    [task])
            for module, mode in modes.items():
                module.training = mode
            cell_scores(outs[task], (128, 128), self._counts[task], name)

    def mute_losses(self, carried: Any) -> dict[str, str]:
        """Pairs that no image serves, and ranks without a rate."""
        carried = list(carried)
        found = super().mute_losses(carried)
        learnt = [m for m in self._mask_tasks if self.rates[m].learns]
        for masks in learnt if self.ranks and not found else ():
            if not any(masks in tasks for tasks in carried):
                found[f'{self.key}.ranks'] = (
                    f'no image of `train_dataloader` has a mask of {masks!r} '
                    'from which to learn how much of their boxes objects '
                    f'fill; give `{self.key}.rates` (0.5 to 0.7 is usual), '
                    'or set ranks=False.')
        return found

    def meet(self, plan: Plan) -> None:
        """Learn classes; rates are learnt until ranks count in full."""
        super().meet(plan)
        for rates in self.rates.values():
            learnt = int(self._ramp_end) if self.ranks and rates.learns else 0
            rates.until = min(max(learnt, 200), plan.updates)

    @property
    def _mask_tasks(self) -> list[str]:
        """Tasks of masks that share classes with some boxes."""
        return list(dict.fromkeys(pair.masks for pair in self.pairs))

    @property
    def _ramp_end(self) -> float:
        return self.ramp_epochs * self.plan.epoch_length

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """The terms of each task of masks."""
        terms = ['loss_set']
        terms += ['loss_lines'] * bool(self.lines_weight)
        terms += ['loss_pairs'] * bool(self.pairs_weight)
        return [('weak', f'{task}.{term}') for task in self._mask_tasks
                for term in terms]

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What was learnt of rates."""
        return self.rates

    def needs(self, update: Update) -> Asked:
        """The heads of masks, on images that have boxes and no mask."""
        asked = Asked()
        for pair in self.pairs:
            for stream, batch in update.samples.items():
                rows = self.rows(batch, pair.boxes, pair.masks)
                if rows:
                    asked.add(pair.masks, stream, rows, OUTPUTS)
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """The terms over all images with boxes and no mask."""
        self.learn_rates(update)
        found: dict[str, LossSum] = {}
        for masks in self._mask_tasks:
            sums = pooled(
                self._image_sums(update, pair, stream, row, scores)
                for pair in self.pairs if pair.masks == masks
                for stream, batch in update.samples.items()
                for row, scores in self._scores(update, pair, stream, batch))
            found |= {f'{masks}.{term}': value
                      for term, value in sums.items()}
        return dict(weak=found) if found else {}

    def learn_rates(self, update: Update) -> None:
        """Look at the masks of an update, as long as rates are learnt."""
        device = next(iter(update.inputs.values())).device
        for task in self._mask_tasks:
            rates = self.rates[task]
            if rates.looks(self.update):
                rates.learn(self._masks(update, task), device)
            rates.judge(self.update, self.ranks)

    def _masks(self, update: Update,
               task: str) -> Iterator[tuple[Tensor, list[int]]]:
        """Masks without padding, and the classes in them that have boxes."""
        objects = {k for pair in self.pairs if pair.masks == task
                   for k in pair.pixel if k != NO_CLASS}
        for batch in update.samples.values():
            for sample in batch:
                if has_task(sample, task):
                    view = update.model.tasks[task].view(sample)
                    asked = annotated_for(view.metainfo, SEG)
                    height, width = view.metainfo['img_shape'][:2]
                    yield view.gt_sem_seg.sem_seg[0, :height, :width], [
                        k for k in objects if asked is None or k in asked]

    def _scores(self, update: Update, pair: Pair, stream: str,
                batch: Any) -> list[tuple[int, Tensor]]:
        rows = self.rows(batch, pair.boxes, pair.masks)
        if not rows:
            return []
        height, width = update.inputs[stream].shape[-2:]
        scores = cell_scores(
            update.outputs[pair.masks].of(stream, rows), (height, width),
            pair.num_pixel_classes, update.model.tasks[pair.masks].key)
        return list(zip(rows, scores))

    def _image_sums(self, update: Update, pair: Pair, stream: str, row: int,
                    scores: Tensor) -> dict[str, LossSum]:
        sample = update.samples[stream][row]
        view = box_view(update.model.tasks[pair.boxes].view(sample), pair,
                        scores)
        with full_precision():
            sums = dict(loss_set=self._set_sum(pair, view, scores))
            if self.lines_weight:
                sums['loss_lines'] = self._line_sum(view, scores)
            if self.pairs_weight:
                image = update.inputs[stream][row:row + 1]
                colours = cell_colours(image, update.model.data_preprocessor)
                sums['loss_pairs'] = self._pair_sum(view, scores, colours[0])
        return {k: value.scaled(self.weight) for k, value in sums.items()}

    def _set_sum(self, pair: Pair, view: BoxView, scores: Tensor) -> LossSum:
        # of cells about which nothing is known: they are not `seen`
        allowed = view.allowed | ~view.allowed.any(0)
        losses = set_losses(scores, allowed)
        share = 1.0
        if self.ranks:
            share = (ramp(self.update, 0, self._ramp_end, 0.0, 1.0)
                     if self.rates[pair.masks].known else 0.0)
        if share and (self.ranks or self.static):
            inner = narrowed(allowed, self._target(pair, view, scores),
                             view.free)
            losses = (1 - share) * losses + share * set_losses(scores, inner)
        total = torch.where(view.seen, losses, 0).sum()
        return LossSum(total, view.seen.sum().to(total))

    @torch.no_grad()
    def _target(self, pair: Pair, view: BoxView, scores: Tensor) -> Tensor:
        if self.ranks:
            rates = self.rates[pair.masks].values().to(scores)
            return rank_targets(scores, view.allowed, view.cells & view.seen,
                                view.labels, rates[view.labels], self.delta,
                                view.unsure)
        inner = None
        if self.static == 'inner':
            inner = box_cells(inner_boxes(view.boxes),
                              (scores.shape[1], scores.shape[2]), STRIDE)
        areas = (view.boxes[:, 2:] - view.boxes[:, :2]).prod(1)
        target = smallest_on_top(view.cells, view.labels, areas, inner)
        return target.masked_fill(view.unsure & ~view.cells.any(0), _ANY)

    def _line_sum(self, view: BoxView, scores: Tensor) -> LossSum:
        cells = view.cells & view.seen
        if self.lines_form == 'dice':
            # beside the box loss_set speaks
            probs = scores.softmax(0)[view.labels] * cells
            losses, speak = line_dice(probs, cells, view.cut)
        else:
            losses, speak = line_mil(scores, cells, view.labels, view.cut)
        return LossSum(self.lines_weight * losses[speak].sum(),
                       speak.sum().to(losses))

    def _pair_sum(self, view: BoxView, scores: Tensor,
                  colours: Tensor) -> LossSum:
        inside = view.cells.any(0) & view.seen
        total, count = colour_affinity(
            scores, colour_likeness(colours, view.seen), inside,
            self.pairs_threshold)
        factor = ramp(self.update, 0, self.pairs_warmup, 0.0, 1.0)
        return LossSum(self.pairs_weight * factor * total, count)
