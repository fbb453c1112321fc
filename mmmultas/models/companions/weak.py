"""What losses from the other task's labels have in common."""
import inspect
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmdet.structures import SampleList
from mmengine.logging import print_log

from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of

from ..multitask.samples import is_supervised
from .base import Companion, Plan
from .label_spaces import NO_CLASS, Given, Pair, pairs_of, pixel_classes

__all__ = ['WeakCompanion']


class WeakCompanion(Companion):
    """A companion that reads labels of boxes or masks for the other task.

    Args:
        student: The network that learns.
        key: Config key, for messages.
        boxes: A task of boxes; all that share classes by default.
        masks: A task of masks; all that share classes by default.
        classes: Which pixel class a box class is: by default those of equal
            names; ``dict(van='car')`` names others, a list has a number per
            box class, -1 for none.
        weight: Factor of all losses.
    """
    groups = ('weak', )
    shares_groups = True
    #: What each image has and lacks, for messages.
    reads, lacks = '', ''

    def __init__(self,
                 student: Any,
                 key: str,
                 boxes: str | None = None,
                 masks: str | None = None,
                 classes: Given = None,
                 weight: float = 1.0) -> None:
        super().__init__()
        self.key = key
        self._classes = classes
        self._named = boxes is not None and masks is not None
        self._tasks = pairs_of(student, key, boxes, masks)
        self._counts = {
            task: int(student.heads[task].num_classes)
            for pair in self._tasks for task in pair
        }
        self.weight = number_of(f'`{key}.weight`', weight)
        if not weight:
            raise ConfigError(f'`{key}.weight` is 0, so that it would change '
                              'nothing: leave the companion out.')
        self.update = 0
        self.plan = Plan()
        self._pairs: list[Pair] | None = None

    def refuse_idle(self, given: Mapping[str, Any], cause: str) -> None:
        """Refuse keys that say something where nobody asks.

        Args:
            given: Values of arguments.
            cause: Why they are not read, such as ``'ranks=False'``.

        Raises:
            ConfigError: One is not its default.
        """
        known = inspect.signature(type(self).__init__).parameters
        for name, value in given.items():
            if value != known[name].default:
                raise ConfigError(
                    f'`{self.key}.{name}` would change nothing with {cause}: '
                    'leave it out.')

    @property
    def pairs(self) -> list[Pair]:
        """Tasks that share classes.

        Raises:
            ConfigError: There are none.
        """
        if self._pairs is None:
            self._pairs = self._matched({})
        return self._pairs

    @property
    def learnt(self) -> Mapping[str, Any]:
        """Parts with a ``state`` that a resumed run must ``load``, by name."""
        return {}

    def extra_state(self) -> dict[str, Any]:
        """State of what was learnt."""
        return {name: part.state() for name, part in self.learnt.items()}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`extra_state`.

        Raises:
            ConfigError: It is that of other tasks.
        """
        if set(state) != set(self.learnt):
            raise ConfigError(
                f'The checkpoint was written with another `{self.key}`: '
                'resume with the config of the first run.')
        for name, part in self.learnt.items():
            part.load(state[name])

    def meet(self, plan: Plan) -> None:
        """Match the classes of the data by name, and say what is left."""
        self.plan = plan
        self._pairs = self._matched(plan.metainfo)
        for pair in self._pairs:
            names = _names(plan.metainfo, pair.boxes)
            alone = [name for name, k in zip(names or (), pair.pixel)
                     if k == NO_CLASS]
            if alone:
                print_log(
                    f'`{self.key}`: {", ".join(alone)} of {pair.boxes!r} have '
                    f'no class in {pair.masks!r} and take no part; name it '
                    f'in `{self.key}.classes` if they have one.',
                    'current', level=logging.WARNING)

    def _matched(self, metainfo: Mapping[str, Any]) -> list[Pair]:
        found, failed = [], None
        for boxes, masks in self._tasks:
            names = [_names(metainfo, task) or self._counts[task]
                     for task in (boxes, masks)]
            try:
                pixel = pixel_classes(names[0], names[1], self._classes,
                                      self.key, (boxes, masks))
            except ConfigError as error:
                failed = error
                if self._classes is not None:
                    self._say_unfit(boxes, masks, error)
                continue
            found.append(Pair(boxes, masks, pixel, self._counts[masks]))
        if failed is not None and (self._named or not found):
            raise failed
        return found

    def _say_unfit(self, boxes: str, masks: str, error: ConfigError) -> None:
        """Numbers are meant for all pairs, names for those that have them.

        Raises:
            ConfigError: Numbers that do not fit one.
        """
        if not isinstance(self._classes, Mapping):
            raise ConfigError(
                f'{error} This is of {boxes!r} and {masks!r}: name the tasks '
                f'that are meant, `{self.key}.boxes` and `{self.key}.masks`.'
            ) from error
        print_log(f'{boxes!r} and {masks!r} take no part in it: {error}',
                  'current', level=logging.WARNING)

    def set_update(self, update: int) -> None:
        """Tell which update comes: ramps follow it."""
        self.update = update

    def rows(self, batch: SampleList, has: str, lacks: str) -> list[int]:
        """Images that are learnt from, with one label and not the other."""
        return [i for i, sample in enumerate(batch) if is_supervised(sample)
                and has_task(sample, has) and not has_task(sample, lacks)]

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Pairs of tasks that no training image serves."""
        found = [set(tasks) for tasks in carried]
        served = [
            pair for pair in self.pairs if any(
                getattr(pair, self.reads) in tasks
                and getattr(pair, self.lacks) not in tasks
                for tasks in found)
        ]
        if served:
            return {}
        pair = self.pairs[0]
        has, lacks = (getattr(pair, self.reads), getattr(pair, self.lacks))
        return {
            self.key: f'no image of `train_dataloader` has the label of '
            f'{has!r} and lacks that of {lacks!r}; add such a stream, or '
            'leave the companion out.'
        }


def _names(metainfo: Mapping[str, Any], task: str) -> Sequence[str] | None:
    names = (metainfo.get(task) or {}).get('classes')
    return tuple(names) if names else None
