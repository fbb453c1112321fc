"""Which labels of which image are kept: partial supervision on purpose.

The rules of MTPSL (SPEC-MTPSL 1). A label that is not kept is not in the
record of its image, so that nobody can open its file.
"""
import inspect
import random
import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.values import mapping_of

from .hold_out import plain_name, read_names

__all__ = ['LabelRegime']

REGIMES = ('full', 'one', 'random', 'ratio')
#: A name, and tasks with commas behind its last space.
_LINE = re.compile(r'(.*?)\s+([^\s,]+(?:\s*,\s*[^\s,]+)*)\s*,?')


class LabelRegime:
    """Draws the kept labels once, from a seed.

    Args:
        regime: ``'full'``: all. ``'one'``: one per image, each task of as
            many images as the others; what is left over goes to the last
            tasks. ``'random'``: per image a number from 1 to one less than
            it could have, then a subset of that size. ``'ratio'``: one per
            image, in the proportion of ``ratio``.
        seed: Of the draw, a whole number; default 0.
        ratio: Task → share, for ``'ratio'``: ``dict(seg=1, depth=9)``; every
            task that labels are dealt among has one, 0 if need be.
        file: Read the kept labels from a list instead: a line per image,
            its name (with or without suffix) and behind the last space the
            tasks: ``12 depth,normals``.
        names: Name of a task in ``file`` → name here.
        tasks: Tasks that labels are dealt among, where the data set reads
            fewer of them: a network for one task then learns from the very
            labels that it has in a network for all. Images that keep no
            label that is read are left out.
        only: Task → file of the names of the images that can have its label:
            ``dict(parts='persons.txt')``, parts are seen where a person is.

    Raises:
        ConfigError: An unknown regime, or shares that do not fit.
    """

    def __init__(self,
                 regime: str = 'full',
                 seed: int | None = None,
                 ratio: Mapping[str, float] | None = None,
                 file: str | None = None,
                 names: Mapping[str, str] | None = None,
                 tasks: Sequence[str] | None = None,
                 only: Mapping[str, str] | None = None) -> None:
        self.regime, self.seed = regime, _whole(seed)
        self.ratio = dict(ratio or {})
        self.file, self.names = file, dict(mapping_of('regime.names',
                                                      names or {}))
        self.tasks = None if tasks is None else tuple(tasks)
        if tasks is not None and (isinstance(tasks, str) or len(set(tasks))
                                  != len(tasks)):
            raise ConfigError('`regime.tasks` is a sequence of different '
                              f'names, not {tasks!r}.')
        self.only = dict(mapping_of('regime.only', only or {}))
        self._check(seed is not None)

    def _check(self, seeded: bool) -> None:
        """Refuse what contradicts the rest, or would change nothing."""
        if self.regime not in REGIMES:
            raise ConfigError(f'`regime` is one of {", ".join(REGIMES)}, not '
                              f'{self.regime!r}.')
        if (self.regime == 'ratio') != bool(self.ratio):
            raise ConfigError("regime='ratio' wants `ratio`, a share per "
                              'task, and no other regime does.')
        if not all(share >= 0 for share in self.ratio.values()):
            raise ConfigError('`ratio` wants shares from 0 on, not '
                              f'{self.ratio}.')
        if self.file is None:
            if self.names:
                raise ConfigError('`regime.names` would change nothing: it '
                                  'renames the tasks of `file`, which is not '
                                  'given; leave it out.')
            if seeded and self.regime == 'full':
                raise ConfigError("`regime.seed` would change nothing: "
                                  "regime='full' keeps all labels, nothing "
                                  'is drawn; leave it out or say which '
                                  '`regime` draws.')
            return
        for key, given in (('regime', self.regime != 'full'),
                           ('only', self.only)):
            if given:
                raise ConfigError('`file` names the kept labels itself: '
                                  f'leave `{key}` out.')

    @classmethod
    def build(cls, cfg: Mapping[str, Any] | None) -> 'LabelRegime':
        """Of the config key ``regime`` of a data set.

        Raises:
            ConfigError: An unknown key.
        """
        cfg = mapping_of('regime', cfg or {})
        known = tuple(inspect.signature(cls).parameters)
        for key in cfg:
            if key not in known:
                raise ConfigError(f'`regime` has the unknown key {key!r}; '
                                  f'have {", ".join(known)}.')
        return cls(**cfg)

    def among(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """The tasks that labels are dealt among.

        Args:
            tasks: Those that the data set reads.

        Raises:
            ConfigError: One of these is not among them.
        """
        if self.tasks is None:
            return tuple(tasks)
        for task in tasks:
            if task not in self.tasks:
                raise ConfigError(
                    f'`tasks` reads {task!r}, which no image would keep: '
                    '`regime.tasks` deals labels among '
                    f'{", ".join(self.tasks)}; add it there.')
        return self.tasks

    def __call__(
        self,
        images: Sequence[str],
        tasks: Sequence[str],
        possible: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, tuple[str, ...]]:
        """The kept tasks of each image that takes part.

        Args:
            images: Names, in an order that does not change.
            tasks: The tasks that are read; these, or those of the regime,
                in the order that decides where what is left over goes.
            possible: The tasks that an image can have, where not all.

        Raises:
            ConfigError: Shares of other tasks than labels are dealt among.
            DataError: A list that names unknown images or tasks.
        """
        read, tasks = tuple(tasks), self.among(tasks)
        shown = self._shown(tasks)
        can = {name: [t for t in tasks
                      if t in (possible or {}).get(name, tasks)
                      and (t not in shown or name in shown[t])]
               for name in images}
        rng = random.Random(self.seed)
        if self.file is not None:
            kept = self._read(can)
        elif self.regime == 'one':
            count = len(images)
            base, rest = divmod(count, len(tasks))
            sizes = [base + (i >= len(tasks) - rest)
                     for i in range(len(tasks))]
            kept = _dealt(can, tasks, sizes, rng)
        elif self.regime == 'ratio':
            kept = _dealt(can, tasks, self._sizes(len(images), tasks), rng)
        elif self.regime == 'random':
            kept = {name: _subset(own, rng) for name, own in can.items()}
        else:
            kept = {name: tuple(own) for name, own in can.items()}
        own = {name: tuple(t for t in read if t in kept.get(name, ()))
               for name in images}
        if self.tasks is None:
            return own
        return {name: chosen for name, chosen in own.items() if chosen}

    def _shown(self, tasks: Sequence[str]) -> dict[str, set[str]]:
        for task in self.only:
            if task not in tasks:
                raise ConfigError(f'`regime.only` names {task!r}, but labels '
                                  f'are dealt among {", ".join(tasks)}.')
        return {task: set(read_names(path))
                for task, path in self.only.items()}

    def _sizes(self, count: int, tasks: Sequence[str]) -> list[int]:
        unknown = sorted(set(self.ratio) - set(tasks))
        total = sum(self.ratio.values())
        if unknown or not total:
            raise ConfigError(f'`ratio` {self.ratio} wants shares of '
                              f'{", ".join(tasks)}.')
        left = [task for task in tasks if task not in self.ratio]
        if left:
            raise ConfigError(
                f'`ratio` {self.ratio} has no share of {", ".join(left)}, '
                f'and labels are dealt among {", ".join(tasks)}: add one, 0 '
                'where no label is to be kept.')
        ends, reached = [], 0.0
        for task in tasks:
            reached += self.ratio[task]
            ends.append(round(count * reached / total))
        return [end - start for start, end in zip([0, *ends], ends)]

    def _read(self, can: Mapping[str, Sequence[str]]
              ) -> dict[str, tuple[str, ...]]:
        kept = {}
        try:
            lines = Path(str(self.file)).read_text().splitlines()
        except OSError as error:
            raise DataError(f'{self.file} cannot be read ({error.strerror}); '
                            'mend the path of `regime.file`.') from error
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith('#'):
                continue
            name, named = _parts(line.strip(), can)
            tasks = tuple(self.names.get(task, task) for task in named)
            if name not in can:
                raise DataError(
                    f'{self.file}, line {number}, names the image {name!r}, '
                    'which the data set does not have: a line is NAME '
                    'TASK[,TASK], and images are called '
                    f'{", ".join(list(can)[:3])}, …; mend the list.')
            for task in tasks:
                if task not in can[name]:
                    raise DataError(
                        f'{self.file}, line {number}, keeps {task!r} of '
                        f'{name!r}, which has {", ".join(can[name])}: say '
                        f'what it is called here, names=dict({task}=…).')
            if name in kept:
                raise DataError(f'{self.file}, line {number}, names {name!r} '
                                'again; keep one line per image.')
            kept[name] = tasks
        missing = [name for name in can if name not in kept]
        if missing:
            raise DataError(
                f'{self.file} does not name {len(missing)} images of the data '
                f'set ({", ".join(missing[:3])}, …), which would keep no '
                'label; add them, with no task behind the name if that is '
                'meant.')
        return kept


def _whole(seed: int | None) -> int:
    if seed is None:
        return 0
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f'`regime.seed` is a whole number, not {seed!r}.')
    return seed


def _parts(line: str, known: Container[str]) -> tuple[str, list[str]]:
    """Name and tasks of a line; names may have spaces, tasks have none.

    Example:
        >>> _parts('photo 1.jpg seg,depth', {'photo 1'})
        ('photo 1', ['seg', 'depth'])
    """
    for name in (line, plain_name(line)):  # 'photo 1': no label is kept
        if name in known:
            return name, []
    match = _LINE.fullmatch(line)
    name, rest = match.groups() if match else (line, '')
    tasks = [task.strip() for task in rest.split(',') if task.strip()]
    return name if name in known else plain_name(name), tasks


def _dealt(can: Mapping[str, Sequence[str]], tasks: Sequence[str],
           sizes: Sequence[int],
           rng: random.Random) -> dict[str, tuple[str, ...]]:
    """One task per image; those that few images can have choose first."""
    rest = list(can)
    rng.shuffle(rest)
    kept: dict[str, tuple[str, ...]] = {}
    scarce = sorted(
        range(len(tasks)),
        key=lambda i: (sum(tasks[i] in own for own in can.values()), i))
    for i in scarce:
        chosen = [name for name in rest if tasks[i] in can[name]][:sizes[i]]
        kept.update((name, (tasks[i], )) for name in chosen)
        taken = set(chosen)
        rest = [name for name in rest if name not in taken]
    for name in rest:  # what a scarce task could not take
        if can[name]:
            kept[name] = (can[name][-1], )
    return kept


def _subset(own: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    if not own:
        return ()
    count = rng.randint(1, max(len(own) - 1, 1))
    return tuple(rng.sample(list(own), count))
