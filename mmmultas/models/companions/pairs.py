"""Pairs of tasks of an image: one that is predicted, one that is labelled."""
import difflib
import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from torch import Tensor

from mmmultas.functional.task_space import gumbel_noise, pairs_between
from mmmultas.structures import BOXES, has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of

from ..multitask.taps import OUTPUTS
from .base import Asked, Companion, Plan, Update

__all__ = ['ImagePair', 'PairCompanion', 'Sides']

_VIEWS = ('second', 'first')


@dataclass(frozen=True)
class ImagePair:
    """A pair of tasks in an image of an update.

    Attributes:
        stream: Stream of the image.
        row: Its position in the batch.
        source: The task that is predicted.
        target: The task whose label is there.
        weight: Factor of what is said of it.
    """
    stream: str
    row: int
    source: str
    target: str
    weight: float = 1.0

    @property
    def image(self) -> tuple[str, int]:
        """Stream and position."""
        return self.stream, self.row


class PairCompanion(Companion):
    """A companion that compares what a network says with other labels.

    Args:
        student: The network that learns.
        key: Config key, for messages.
        tasks: Names of the tasks that take part; all but those of boxes by
            default.
        pairs: Ordered pairs (predicted, labelled) that are compared; all by
            default.
        weight: Factor of all losses.
        view: ``'second'``: of the second view of an image
            (:class:`SecondView`), ``'first'``: of the one that heads learn
            from.
        full: Whether images that have all labels take part, every task
            against every other one.
        num_pairs: At most so many pairs of an image, drawn in each update;
            those count for all of its pairs.
        mean_pairs: Whether an image's pairs count by one over the number of
            its tasks without a label, as in the paper; the released code
            adds them up.
        ramp_epochs: Epochs in which the losses come in; 0 is at once.

    Raises:
        ConfigError: Tasks or pairs that are unknown, a single task, or a
            number out of its range.
    """
    groups = ('xtc', )
    shares_groups = True

    def __init__(self,
                 student: Any,
                 key: str,
                 tasks: Sequence[str] | None = None,
                 pairs: Sequence[Sequence[str]] | None = None,
                 weight: float = 1.0,
                 view: str = 'second',
                 full: bool = False,
                 num_pairs: int | None = None,
                 mean_pairs: bool = False,
                 ramp_epochs: float = 0) -> None:
        super().__init__()
        self.key = key
        self.tasks = _tasks_of(student, key, tasks)
        self.pairs = _pairs_of(key, self.tasks, pairs)
        self.weight = number_of(f'`{key}.weight`', weight)
        if not weight:
            raise ConfigError(f'`{key}.weight` is 0, so that it would change '
                              'nothing: leave the companion out.')
        if view not in _VIEWS:
            raise ConfigError(f"`{key}.view` is 'second' or 'first', not "
                              f'{view!r}.')
        if num_pairs is not None and (isinstance(num_pairs, bool)
                                      or not isinstance(num_pairs, int)
                                      or num_pairs < 1):
            raise ConfigError(f'`{key}.num_pairs` is a whole number from 1 '
                              f'on, or None for all, not {num_pairs!r}.')
        for name, flag in (('full', full), ('mean_pairs', mean_pairs)):
            if not isinstance(flag, bool):
                raise ConfigError(f'`{key}.{name}` is True or False, not '
                                  f'{flag!r}.')
        self.needs_second_view = view == 'second'
        self.full, self.num_pairs = full, num_pairs
        self.mean_pairs = mean_pairs
        self.ramp_epochs = number_of(f'`{key}.ramp_epochs`', ramp_epochs)
        #: Channels of what each task shows.
        self.channels = {
            task: student.tasks[task].map_channels(student.heads[task])
            for task in self.tasks
        }
        for task in self.tasks:
            if not student.tasks[task].splits(student.heads[task]):
                kind = type(student.heads[task]).__name__
                raise ConfigError(
                    f'`{key}` asks what `model.heads.{task}` says, but a '
                    f'{kind} finds its loss in a way of its own: take '
                    "another head, or name the companion's `tasks` without "
                    'it.')
        self.update = 0
        self.plan = Plan()

    def meet(self, plan: Plan) -> None:
        """Learn how long an epoch is, and the seed of the run."""
        self.plan = plan

    def set_update(self, update: int) -> None:
        """Tell which update comes: ramps and draws follow it."""
        self.update = update

    def factor(self) -> float:
        """What losses are multiplied by in this update."""
        if not self.ramp_epochs:
            return float(self.weight)
        epochs = self.update / self.plan.epoch_length
        return float(self.weight * min(1., epochs / self.ramp_epochs))

    def rows(self, batch: SampleList) -> list[int]:
        """Images of a batch that are looked at."""
        return [i for i, sample in enumerate(batch)
                if ('first_view' in sample.metainfo)
                == self.needs_second_view]

    def count(self, update: Update) -> int:
        """Number of images that losses are a mean of."""
        return sum(len(self.rows(b)) for b in update.samples.values())

    def tasks_paired(self, labelled: Mapping[str, bool]
                     ) -> list[tuple[str, str]]:
        """Pairs (source, target) of an image that has some labels.

        Args:
            labelled: Of each task that takes part in this image, whether its
                label is there.
        """
        names = list(labelled)
        if all(labelled.values()) and not self.full:
            return []
        found = [(names[s], names[t])
                 for s, t in pairs_between(list(labelled.values()))]
        return [pair for pair in found if pair in self.pairs]

    def image_pairs(self, update: Update) -> list[ImagePair]:
        """All pairs of all images of an update."""
        found = []
        for stream, batch in update.samples.items():
            for row in self.rows(batch):
                found += self._of_image(stream, row, batch[row])
        return found

    def _of_image(self, stream: str, row: int,
                  sample: DetDataSample) -> list[ImagePair]:
        # what nobody looked for is neither known nor free
        partly = sample.metainfo.get('annotated') or {}
        pairs = self.tasks_paired({
            task: has_task(sample, task) for task in self.tasks
            if task not in partly})
        weight = 1.0
        if self.mean_pairs and pairs:
            weight = 1 / len({source for source, _ in pairs})
        if self.num_pairs is not None and len(pairs) > self.num_pairs:
            weight *= len(pairs) / self.num_pairs
            draw = random.Random(self._seed(sample, 'pairs'))
            pairs = sorted(draw.sample(pairs, self.num_pairs),
                           key=pairs.index)
        return [ImagePair(stream, row, source, target, weight)
                for source, target in pairs]

    def _seed(self, sample: DetDataSample, *what: str) -> int:
        """Of a draw: a function of run, update and image alone."""
        meta = sample.metainfo
        # the same data draw the same, wherever they lie
        image, path = meta.get('img_id'), meta.get('img_path')
        if image is None or image == path:
            image = PurePath(path or '').name
        digest = hashlib.blake2b(
            repr((self.plan.seed, self.update, image, what)).encode(),
            digest_size=8).digest()
        return int.from_bytes(digest, 'little') >> 1

    def needs(self, update: Update) -> Asked:
        """What the heads say of the tasks that are compared."""
        asked = Asked()
        for pair in self.image_pairs(update) if self.factor() else ():
            asked.add(pair.source, pair.stream, [pair.row], OUTPUTS)
        return asked

    def noise(self, update: Update, pair: ImagePair, like: Tensor) -> Tensor:
        """Of the draw that a pair's prediction is, (C, H, W)."""
        sample = update.samples[pair.stream][pair.row]
        generator = torch.Generator(like.device)
        generator.manual_seed(self._seed(sample, pair.source, pair.target))
        return gumbel_noise(like.shape, generator, like.dtype)

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """No image has a pair."""
        found = [{task: task in tasks for task in self.tasks}
                 for tasks in carried]
        if any(self.tasks_paired(labelled) for labelled in found):
            return {}
        names = ' and '.join(self.tasks)
        if any(all(labelled.values()) for labelled in found):
            return {self.key: f'every image of `train_dataloader` has the '
                    f'labels of {names}, and none lacks one: set '
                    f'`{self.key}.full=True` to compare all of them, or hide '
                    'labels by a `regime` of the data set.'}
        return {self.key: 'no image of `train_dataloader` has the label of '
                f'one of {names} and lacks that of another one that it is '
                'compared with: add such labels, or leave the companion out.'}


class Sides:
    """What predictions and labels show, each read once.

    Args:
        companion: Who compares.
        update: With the outputs of the heads.
        pairs: Of images of one size.
    """

    def __init__(self, companion: PairCompanion, update: Update,
                 pairs: Sequence[ImagePair]) -> None:
        self._companion, self._update = companion, update
        self.pairs = list(pairs)
        stream = self.pairs[0].stream
        self.size = (update.inputs[stream].shape[-2],
                     update.inputs[stream].shape[-1])

    def said(self, task: str, images: Sequence[tuple[str, int]]) -> Tensor:
        """What a head says of images, (n, C, H, W)."""
        model, parts = self._update.model, []
        for stream in dict.fromkeys(s for s, _ in images):
            rows = [row for s, row in images if s == stream]
            outputs = self._update.outputs[task].of(stream, rows)
            parts.append(model.tasks[task].said_map(model.heads[task],
                                                    outputs, self.size))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def samples(self, images: Sequence[tuple[str, int]]) -> SampleList:
        """The samples of images."""
        return [self._update.samples[s][row] for s, row in images]

    def sources(self) -> tuple[list[tuple[str, Tensor]], list[int]]:
        """What predictions show, and which of these each pair's is.

        Returns:
            tuple: Tasks with maps (n, C, H, W); the place of each pair's
            among the rows of all of them.
        """
        maps: list[tuple[str, Tensor]] = []
        places, start = [0] * len(self.pairs), 0
        for task in dict.fromkeys(p.source for p in self.pairs):
            mine = [i for i, p in enumerate(self.pairs) if p.source == task]
            images = _sorted({self.pairs[i].image for i in mine})
            said = self.said(task, images)
            adapter = self._update.model.tasks[task]
            if adapter.draws:  # each pair has a draw of its own
                said = said[[images.index(self.pairs[i].image)
                             for i in mine]]
                noise = torch.stack([
                    self._companion.noise(self._update, self.pairs[i], x)
                    for i, x in zip(mine, said.detach())])
                shown = adapter.shown(said, noise)
                own = list(range(len(mine)))
            else:
                shown = adapter.shown(said)
                own = [images.index(self.pairs[i].image) for i in mine]
            for i, place in zip(mine, own):
                places[i] = start + place
            maps.append((task, shown))
            start += len(shown)
        return maps, places

    def targets(self) -> tuple[list[tuple[str, Tensor]], list[int]]:
        """What labels show, likewise."""
        maps: list[tuple[str, Tensor]] = []
        places, start = [0] * len(self.pairs), 0
        model = self._update.model
        for task in dict.fromkeys(p.target for p in self.pairs):
            images = _sorted({p.image for p in self.pairs
                              if p.target == task})
            shown = model.tasks[task].shown_label(model.heads[task],
                                                  self.samples(images))
            for i, pair in enumerate(self.pairs):
                if pair.target == task:
                    places[i] = start + images.index(pair.image)
            maps.append((task, shown))
            start += len(shown)
        return maps, places


def _sorted(images: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(images)


def _tasks_of(student: Any, key: str,
              tasks: Sequence[str] | None) -> tuple[str, ...]:
    """The tasks that take part.

    Raises:
        ConfigError: An unknown one, or not two.
    """
    if tasks is None:
        tasks = [name for name, task in student.tasks.items()
                 if task.kind != BOXES]
    _check_list(f'{key}.tasks', tasks, "('seg', 'depth')")
    for task in tasks:
        _check_task(f'`{key}.tasks`', task, student.tasks)
    if len(set(tasks)) < 2 or len(set(tasks)) != len(tasks):
        raise ConfigError(
            f'`{key}` compares tasks with one another and has '
            f'{", ".join(tasks) or "none"}: give the model heads of two '
            'tasks or more, or leave the companion out.')
    return tuple(tasks)


def _pairs_of(key: str, tasks: Sequence[str],
              pairs: Sequence[Sequence[str]] | None
              ) -> set[tuple[str, str]]:
    """The ordered pairs that are compared.

    Raises:
        ConfigError: An unknown task, or no pair.
    """
    if pairs is None:
        return {(s, t) for s in tasks for t in tasks if s != t}
    _check_list(f'{key}.pairs', pairs, f"[('{tasks[0]}', '{tasks[1]}')]")
    found = set()
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise ConfigError(
                f'`{key}.pairs` wants pairs of two tasks such as '
                f"('{tasks[0]}', '{tasks[1]}'), not {pair!r}.")
        for task in pair:
            _check_task(f'`{key}.pairs`', task, tasks)
        found.add((pair[0], pair[1]))
    if not found:
        raise ConfigError(f'`{key}.pairs` is empty, so that nothing would be '
                          'compared: leave it out for all pairs.')
    return found


def _check_list(what: str, given: Any, example: str) -> None:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(f'`{what}` is a list such as {example}, not '
                          f'{given!r}.')


def _check_task(what: str, task: str, tasks: Iterable[str]) -> None:
    tasks = list(tasks)
    if task not in tasks:
        near = difflib.get_close_matches(str(task), tasks, 1)
        hint = f'did you mean {near[0]!r}?' if near else (
            f'there are {", ".join(tasks)}.')
        raise ConfigError(f'{what} names {task!r}, which takes no part: '
                          f'{hint}')
