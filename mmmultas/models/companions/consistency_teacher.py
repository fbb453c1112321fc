"""The network's moving average speaks where a label is missing."""
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample, SampleList
from torch import Tensor

from mmmultas.functional.box_supervision import best_allowed
from mmmultas.registry import MODELS
from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.distillation import ramp
from ..losses.loss_sum import LossSum
from ..multitask.samples import is_supervised
from ..multitask.taps import OUTPUTS
from ..rows import take_rows
from ..tasks.base import pooled
from .average import Average
from .base import Asked, Update
from .box_view import box_view
from .label_spaces import Given, Pair
from .pixels import cell_scores, refuse_sigmoids, seen_cells
from .taught_boxes import Taught, check_head, hard_sums, soft_sums
from .teacher_view import moved_cells, same_place, teacher_images
from .thresholds import Threshold
from .weak import WeakCompanion

__all__ = ['ConsistencyTeacher']

_IGNORE = 255
_START = .7


@dataclass
class _Said:
    """What the teacher said of some images of one size of a stream."""
    rows: list[int]
    size: tuple[int, int]
    outputs: Mapping[str, Any]


@MODELS.register_module()
class ConsistencyTeacher(WeakCompanion):
    """Where an image lacks boxes or a mask, the moving average gives them.

    Joint Dense FixMatch: the copy of the network that ``EMAHook`` keeps
    looks at a plain view of an image (``mmmultas.KeepTeacherView``,
    ``mmmultas.TeacherView``; without one, at the input itself), and the
    network learns what it is sure of. Labels of the other task say what may
    be: a pixel outside of all boxes is background, an anchor without a pixel
    of a class does not show it.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        boxes: A task of boxes; all that share classes by default.
        masks: A task of masks; all that share classes by default.
        classes: Which pixel class a box class is, as of
            :class:`WeakCompanion`.
        weight: Factor of all losses.
        masks_weight: Factor of the loss of masks; 0 leaves it out.
        boxes_weight: Factor of the loss of boxes; 0 leaves it out.
        mask_score: From which probability on a pixel's class is learnt on
            images with boxes, among the classes that these allow: a number,
            ``'mixture'`` (per class, found in the last scores) or
            ``dict(top=0.5)``, a share of the pixels; the last two are about
            pixels that may show several classes.
        free_mask_score: Likewise on images that have no boxes either.
        box_form: ``'soft'``: the scores of its best anchors are learnt
            (Dense Teacher); ``'hard'``: boxes that it is sure of.
        box_score: From which score on, of ``'hard'``; as ``mask_score``.
        top: Share of the anchors, of ``'soft'``.
        share: Share of the images lacking a label that are taught in an
            update, rounded up: fewer cost less. They are the first ones of
            a batch, which is drawn at random.
        begin: Share of the training before the teacher speaks.
        ramp: Share of the training in which it comes in.

    Raises:
        ConfigError: No moving average, a head that cannot be taught so, or
            a number out of its range.
    """
    reads, lacks = 'boxes', 'masks'

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.average',
                 boxes: str | None = None,
                 masks: str | None = None,
                 classes: Given = None,
                 weight: float = 1.0,
                 masks_weight: float = 1.0,
                 boxes_weight: float = 2.0,
                 mask_score: Any = 0.7,
                 free_mask_score: Any = 0.95,
                 box_form: str = 'soft',
                 box_score: Any = 0.7,
                 top: float = 0.01,
                 share: float = 1.0,
                 begin: float = 0.2,
                 ramp: float = 0.1) -> None:
        super().__init__(student, key, boxes, masks, classes, weight)
        if box_form not in ('soft', 'hard'):
            raise ConfigError(f"`{key}.box_form` is 'soft' or 'hard', not "
                              f'{box_form!r}.')
        self._check_use(box_form, masks_weight, boxes_weight, begin, dict(
            mask_score=mask_score, free_mask_score=free_mask_score,
            box_score=box_score, top=top, box_form=box_form))
        self.box_form = box_form
        self.masks_weight = number_of(f'`{key}.masks_weight`', masks_weight)
        self.boxes_weight = number_of(f'`{key}.boxes_weight`', boxes_weight)
        self.top = number_of(f'`{key}.top`', top, 1)
        self.share = number_of(f'`{key}.share`', share, 1)
        if not share:
            raise ConfigError(f'`{key}.share` is 0, so that it would change '
                              'nothing: 0.5 halves what it costs.')
        self.begin = number_of(f'`{key}.begin`', begin, 1)
        self.ramp = number_of(f'`{key}.ramp`', ramp, 1)
        self.average = Average(key)
        self.limits = {
            f'{name}_{task}': Threshold(rule, self._counts[task], _START,
                                        f'{key}.{name}')
            for name, rule, place in (('mask_score', mask_score, 1),
                                      ('free_mask_score', free_mask_score, 1),
                                      ('box_score', box_score, 0))
            for task in dict.fromkeys(pair[place] for pair in self._tasks)
        }
        #: Scores of this update by threshold, for those that learn.
        self._heard: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def _check_use(self, form: str, masks: float, boxes: float, begin: float,
                   given: Mapping[str, Any]) -> None:
        """Refuse a teacher that never speaks, and keys of what is off."""
        if not (masks or boxes):
            raise ConfigError(
                f'`{self.key}.masks_weight` and `{self.key}.boxes_weight` are '
                'both 0, so that it would change nothing: set one of them.')
        if begin == 1:
            raise ConfigError(
                f'`{self.key}.begin` is 1, the end of the training, so that '
                'it would change nothing: 0.2 is usual.')
        idle = [('masks_weight=0', ('mask_score', 'free_mask_score'), masks),
                ('boxes_weight=0', ('box_form', 'box_score', 'top'), boxes),
                ("box_form='soft'", ('box_score', ), form != 'soft'),
                ("box_form='hard'", ('top', ), form != 'hard')]
        for cause, names, used in idle:
            if not used:
                self.refuse_idle({name: given[name] for name in names}, cause)

    @property
    def reads_view(self) -> list[str]:  # type: ignore[override]
        """Boxes tell of what is outside of them."""
        return [boxes for boxes, _ in self._tasks]

    @property
    def same_view(self) -> list[str]:  # type: ignore[override]
        """Soft scores are compared anchor by anchor."""
        return self._taught('boxes') if self.box_form == 'soft' else []

    def prepare(self, model: Any) -> None:
        """Refuse heads that cannot be taught in this form."""
        masks = [masks for _, masks in self._tasks]
        boxes = [boxes for boxes, _ in self._tasks]
        for task in dict.fromkeys(masks if self.masks_weight else ()):
            refuse_sigmoids(model.heads[task], model.tasks[task].key, self.key)
        for task in dict.fromkeys(boxes if self.boxes_weight else ()):
            check_head(model.heads[task], model.tasks[task].key, self.key,
                       self.box_form)

    def meet_average(self, average: Any) -> None:
        """Take the moving average."""
        self.average.meet(average)

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """No image lacks a label."""
        found = [set(tasks) for tasks in carried]
        names = {task for pair in self.pairs for task in (
            [pair.masks] * bool(self.masks_weight)
            + [pair.boxes] * bool(self.boxes_weight))}
        if any(names - tasks for tasks in found):
            return {}
        return {
            self.key: f'every image of `train_dataloader` has the labels of '
            f'{" and ".join(sorted(names)) or "no task"}, of which the '
            'teacher would speak; leave the companion out.'
        }

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """One term for each task."""
        return [('weak', f'{task}.loss_consistency')
                for task in (*self._taught('masks'), *self._taught('boxes'))]

    def _taught(self, side: str) -> list[str]:
        """Tasks of one side that are taught."""
        on = self.masks_weight if side == 'masks' else self.boxes_weight
        return list(dict.fromkeys(
            getattr(pair, side) for pair in self.pairs)) if on else []

    def factor(self) -> float:
        """What the teacher's word counts for at this update."""
        begin = self.begin * self.plan.updates
        if self.update < begin:
            return 0.0
        end = begin + self.ramp * self.plan.updates
        return self.weight * ramp(self.update + 1, begin, end, 0.0, 1.0)

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What was learnt of thresholds."""
        return self.limits

    def needs(self, update: Update) -> Asked:
        """The heads, on images that lack their label."""
        asked = Asked()
        if not self.factor():
            return asked
        for task in (*self._taught('masks'), *self._taught('boxes')):
            for stream, batch in update.samples.items():
                rows = self._chosen(batch, task)
                if rows:
                    asked.add(task, stream, rows, OUTPUTS)
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """One term for each task, over the images that lack its label."""
        factor = self.factor()
        if not factor:
            return {}
        self._heard = {name: [] for name in self.limits}
        found: dict[str, list[dict[str, LossSum]]] = {}
        for stream in update.samples:
            for said in self._ask(update, stream):
                with full_precision():
                    for task, value in self._losses(update, stream, said):
                        found.setdefault(task, []).append({'': value})
        self._learn_limits(next(iter(update.inputs.values())).device)
        sums = {f'{task}.loss_consistency': pooled(parts)[''].scaled(factor)
                for task, parts in found.items()}
        return dict(weak=sums) if sums else {}

    def _chosen(self, batch: SampleList, task: str) -> list[int]:
        """Images that lack a task's label and are taught in this update."""
        rows = [i for i, sample in enumerate(batch)
                if is_supervised(sample) and not has_task(sample, task)]
        return rows[:math.ceil(self.share * len(rows))]

    def _ask(self, update: Update, stream: str) -> Iterator[_Said]:
        """What the teacher says of the images that lack some label."""
        batch = update.samples[stream]
        tasks = [task for side in ('masks', 'boxes')
                 for task in self._taught(side) if self._chosen(batch, task)]
        rows = sorted({row for task in tasks
                       for row in self._chosen(batch, task)})
        images = teacher_images(
            update.inputs[stream][rows], [batch[row] for row in rows],
            update.model.data_preprocessor) if rows else []
        groups: dict[tuple[int, int], list[tuple[int, Tensor]]] = {}
        for row, image in zip(rows, images):
            size = (image.shape[-2], image.shape[-1])
            groups.setdefault(size, []).append((row, image))
        for size, members in groups.items():
            outputs = self.average.outputs(
                tasks, torch.stack([image for _, image in members]))
            yield _Said([row for row, _ in members], size, outputs)

    def _losses(self, update: Update, stream: str,
                said: _Said) -> Iterator[tuple[str, LossSum]]:
        batch = update.samples[stream]
        for task in self._taught('masks'):
            rows = sorted({*said.rows} & {*self._chosen(batch, task)})
            if rows:
                yield task, self._mask_sum(update, stream, said, task, rows)
        for task in self._taught('boxes'):
            rows = sorted({*said.rows} & {*self._chosen(batch, task)})
            if rows:
                yield task, self._box_sum(update, stream, said, task, rows)

    def _mask_sum(self, update: Update, stream: str, said: _Said, task: str,
                  rows: list[int]) -> LossSum:
        height, width = update.inputs[stream].shape[-2:]
        key, count = update.model.tasks[task].key, self._counts[task]
        scores = cell_scores(update.outputs[task].of(stream, rows),
                             (height, width), count, key)
        theirs = cell_scores(said.outputs[task], said.size, count, key)
        total, pixels = scores.new_zeros(()), scores.new_zeros(())
        for row, ours in zip(rows, scores):
            sample = update.samples[stream][row]
            with torch.no_grad():
                target, seen = self._pixels(
                    update, sample, task, ours, *moved_cells(
                        theirs[said.rows.index(row)], sample,
                        (height, width), (ours.shape[1], ours.shape[2])))
            total = total + F.cross_entropy(
                ours[None], target[None], ignore_index=_IGNORE,
                reduction='sum')
            pixels += seen.sum()
        return LossSum(self.masks_weight * total, pixels)

    def _pixels(self, update: Update, sample: DetDataSample, task: str,
                ours: Tensor, theirs: Tensor,
                known: Tensor) -> tuple[Tensor, Tensor]:
        """Classes that are sure, else 255, and the cells that are shown."""
        seen = known & seen_cells(sample, (ours.shape[1], ours.shape[2]),
                                  ours.device)
        allowed, name = torch.ones_like(ours, dtype=torch.bool), 'free_'
        for pair in self.pairs:
            if pair.masks == task and has_task(sample, pair.boxes):
                view = box_view(update.model.tasks[pair.boxes].view(sample),
                                pair, ours)
                allowed, name = allowed & view.allowed, ''
        seen &= allowed.any(0)
        allowed |= ~allowed.any(0)
        score, label = best_allowed(theirs, allowed)
        limit = f'{name}mask_score_{task}'
        # where one class is allowed nobody has to be sure, and its score of
        # 1 would lift the limits of all other cells
        open_ = seen & (allowed.sum(0) > 1)
        self._heard[limit].append((score[open_], label[open_]))
        keep = seen & ~open_
        keep[open_] = self.limits[limit].keeps(score[open_], label[open_])
        return label.masked_fill(~keep, _IGNORE), seen

    def _box_sum(self, update: Update, stream: str, said: _Said, task: str,
                 rows: list[int]) -> LossSum:

        samples = [update.samples[stream][row] for row in rows]
        size = (update.inputs[stream].shape[-2],
                update.inputs[stream].shape[-1])
        theirs = take_rows(said.outputs[task],
                           [said.rows.index(row) for row in rows],
                           len(said.rows))
        taught = Taught(
            update.model.heads[task], update.outputs[task].of(stream, rows),
            theirs, samples, [self._mask_of(update, s, task) for s in samples],
            size, said.size, f'{self.key}.box_form')
        if self.box_form == 'soft':
            if not all(same_place(s, size) for s in samples):
                raise ConfigError(
                    f"`{self.key}.box_form='soft'` compares anchors at one "
                    'place, but the teacher sees another crop or mirror '
                    'image: place KeepTeacherView behind all transforms that '
                    "move the image, or set box_form='hard'.")
            return soft_sums(taught, self.top).scaled(self.boxes_weight)
        limit = f'box_score_{task}'
        value, heard = hard_sums(taught, self.average, task,
                                 self.limits[limit])
        self._heard[limit] += heard
        return value.scaled(self.boxes_weight)

    def _mask_of(self, update: Update, sample: DetDataSample,
                 task: str) -> tuple[DetDataSample, Pair] | None:
        """The mask of an image under its stock name; None without one."""
        for pair in self.pairs:
            if pair.boxes == task and has_task(sample, pair.masks):
                return update.model.tasks[pair.masks].view(sample), pair
        return None

    def _learn_limits(self, device: torch.device) -> None:
        """Thresholds that follow scores; processes call it alike."""
        for name, limit in self.limits.items():
            if limit.mixture:
                heard = self._heard[name]
                scores = torch.cat([s for s, _ in heard] or [torch.zeros(0)])
                labels = torch.cat([k for _, k in heard]
                                   or [torch.zeros(0).long()])
                limit.learn(limit.sample(scores, labels).to(device))
