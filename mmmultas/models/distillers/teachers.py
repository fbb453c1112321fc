"""Teachers: frozen guests, outside of the student's tree of modules."""
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from mmdet.structures import SampleList
from torch import Tensor

from mmmultas.structures import DET, SEG, has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import in_full

from ..multitask.taps import output_tap
from ..rows import take_rows
from .recorders import recorder_sources
from .teacher_network import run_recorded, teacher_network

__all__ = [
    'SEES', 'Answers', 'Teacher', 'Teachers', 'build_teachers', 'renormalised'
]

#: Which images a teacher speaks about, by whether they carry its task's
#: label: 1mse, 0mse and 2mse of [P1] Table 7.
SEES = ('annotated', 'other', 'both')
_CONFIGS = ('.py', '.yml', '.yaml', '.json')


class Teacher:
    """One frozen network, or several whose raw outputs are averaged.

    Args:
        name: Its name in the config.
        cfg: Config file, or config of a model.
        checkpoint: File or work folder; several make an ensemble.
        sees: ``'annotated'``, ``'other'`` or ``'both'``: images with its
            task's label, without, all.
        task: Its task; default ``name``.
        bf16: Whether it computes in bfloat16; default as the student does.
        channels_last: Memory layout of its convolutions; default that of
            its config.
        recorders: What is recorded of it.
        tasks: Names of tasks that images may be labelled for.

    Raises:
        ConfigError: No such config, recorder or choice.
        CheckpointError: A checkpoint is missing, unsafe, or leaves
            parameters unfilled.
    """

    def __init__(self,
                 name: str,
                 cfg: str | Mapping[str, Any],
                 checkpoint: str | Sequence[str],
                 sees: str = 'both',
                 task: str | None = None,
                 bf16: bool | None = None,
                 channels_last: bool | None = None,
                 recorders: Mapping[str, Mapping[str, Any]] | None = None,
                 tasks: Iterable[str] = ()) -> None:
        if sees not in SEES:
            raise ConfigError(f'`model.teachers.{name}.sees` is one of '
                              f'{", ".join(SEES)}, got {sees!r}.')
        self.name, self.sees, self.task = name, sees, task or name
        known = {DET, SEG, *tasks}
        if sees != 'both' and self.task not in known:
            raise ConfigError(
                f'`model.teachers.{name}` sees images by the labels of a '
                f'task {self.task!r}, which does not exist: give its `task`, '
                f'one of {", ".join(sorted(known))}.')
        self.bf16 = bf16
        paths = [checkpoint] if isinstance(checkpoint, str) else checkpoint
        self.members = [
            teacher_network(name, cfg, path, channels_last) for path in paths
        ]
        if not self.members:
            raise ConfigError(f'`model.teachers.{name}.checkpoint` is empty.')
        self.sources = recorder_sources(
            recorders or {}, self.members[0],
            f'model.distiller.teacher_recorders.{name}')
        #: Whether members want the images as the student gets them; known
        #: from the first call on, since comparing would wait for a GPU.
        self._alike: list[bool] = []

    def rows(self, samples: SampleList) -> list[int]:
        """Which samples of a batch it sees."""
        if self.sees == 'both':
            return list(range(len(samples)))
        wanted = self.sees == 'annotated'
        return [
            i for i, sample in enumerate(samples)
            if has_task(sample, self.task) == wanted
        ]

    @torch.no_grad()
    def __call__(
            self,
            inputs: Tensor,
            made_by: Any,
            shapes: Sequence[Sequence[int]] | None = None) -> dict[str, Any]:
        """Record one batch.

        Args:
            inputs: (N, 3, H, W), normalised for the student.
            made_by: The student's preprocessor.
            shapes: Height and width of the N images without padding.

        Returns:
            dict: Name of the recorder → output, float32.
        """
        wanted = [member.data_preprocessor for member in self.members]
        self._alike = self._alike or [_alike(made_by, w) for w in wanted]
        recorded = [
            self._record(
                member, inputs if alike else renormalised(
                    inputs, made_by, member.data_preprocessor, shapes))
            for member, alike in zip(self.members, self._alike)
        ]
        if len(recorded) == 1:
            return recorded[0]
        return {
            name: _mean([r[name] for r in recorded])
            for name in self.sources
        }

    def _record(self, network: Any, inputs: Tensor) -> dict[str, Any]:
        if next(network.parameters()).device != inputs.device:
            network.to(inputs.device)  # a copy (EMA) was moved elsewhere
        sources = list(self.sources.values())
        with output_tap(network, sources) as outputs, self._precision(
                inputs.device.type):
            run_recorded(network, inputs, sources)
        for name, source in self.sources.items():
            if len(outputs[source]) != 1:
                raise ConfigError(
                    f'`model.distiller.teacher_recorders.{self.name}.{name}` '
                    f'records {source!r}, which ran {len(outputs[source])} '
                    'times for one batch: record a module that runs once.')
        return {
            name: in_full(outputs[source][0])
            for name, source in self.sources.items()
        }

    def _precision(self, device_type: str) -> Any:
        """The scope in which its members compute."""
        if self.bf16 is None:
            return nullcontext()
        return torch.autocast(device_type, torch.bfloat16, enabled=self.bf16)


class Answers:
    """What teachers said in one update."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], tuple[list[int],
                                                dict[str, Any]]] = {}

    def add(self, teacher: str, stream: str, rows: list[int],
            output: dict[str, Any]) -> None:
        """Keep the recordings of some rows of a stream's batch."""
        self._said[teacher, stream] = (rows, output)

    def of(self, teacher: str, stream: str,
           rows: Sequence[int]) -> dict[str, Any]:
        """Recordings of ``rows``, which were asked for."""
        known, output = self._said[teacher, stream]
        taken: dict[str, Any] = take_rows(
            output, [known.index(i) for i in rows], len(known))
        return taken


class Teachers:
    """All teachers of a student.

    No module: so they are in no checkpoint, optimizer, or DDP; EMA's deep
    copy of the student shares them. The student forwards ``_apply`` (device
    and type) and nothing else, so that they stay in evaluation.
    """

    def __init__(self, teachers: Mapping[str, Teacher]) -> None:
        self._teachers = dict(teachers)

    def __deepcopy__(self, memo: Any) -> 'Teachers':
        return self

    def __iter__(self) -> Iterator[tuple[str, Teacher]]:
        return iter(self._teachers.items())

    def __getitem__(self, name: str) -> Teacher:
        return self._teachers[name]

    def ask(self, inputs: Mapping[str, Tensor],
            samples: Mapping[str, SampleList],
            wanted: Callable[[str, SampleList], set[int]],
            made_by: Any) -> 'Answers':
        """Run every teacher once on all that anybody wants to know.

        Args:
            inputs: (N, 3, H, W) per stream, normalised for the student.
            samples: N samples per stream.
            wanted: Teacher's name and samples → which of them it is to see.
            made_by: The student's preprocessor.
        """
        answers = Answers()
        for name, teacher in self:
            for stream, batch in samples.items():
                rows = sorted(wanted(name, batch))
                if rows:
                    answers.add(
                        name, stream, rows,
                        teacher(
                            take_rows(inputs[stream], rows, len(batch)),
                            made_by,
                            [batch[i].metainfo['img_shape'] for i in rows]))
        return answers

    @contextmanager
    def seeing_all(self) -> Iterator[None]:
        """Let every teacher see every image within the scope."""
        before = {name: t.sees for name, t in self._teachers.items()}
        for teacher in self._teachers.values():
            teacher.sees = 'both'
        try:
            yield
        finally:
            for name, sees in before.items():
                self._teachers[name].sees = sees

    def apply(self, function: Callable[[Tensor], Tensor]) -> None:
        """What ``nn.Module._apply`` does."""
        for teacher in self._teachers.values():
            for member in teacher.members:
                member._apply(function)


def build_teachers(cfgs: Mapping[str, Mapping[str, Any]],
                   recorders: Mapping[str, Mapping[str, Any]],
                   tasks: Iterable[str]) -> Teachers:
    """Build teachers from their configs.

    Args:
        cfgs: Name → config.
        recorders: Name → what is recorded.
        tasks: Names of tasks that images may be labelled for.

    Raises:
        ConfigError: See :class:`Teacher`.
        CheckpointError: A teacher's checkpoint.
    """
    built = {}
    for name, cfg in cfgs.items():
        try:
            _check_files(f'model.teachers.{name}', cfg)
            built[name] = Teacher(
                name, recorders=recorders[name], tasks=tasks, **cfg)
        except TypeError as error:
            raise ConfigError(f'`model.teachers.{name}` cannot be built: '
                              f'{error}') from error
    return Teachers(built)


def _check_files(key: str, teacher: Mapping[str, Any]) -> None:
    """A teacher names its config and its checkpoints as it must."""
    cfg, paths = teacher.get('cfg'), teacher.get('checkpoint')
    if not isinstance(cfg, Mapping) and not (isinstance(cfg, str)
                                             and cfg.endswith(_CONFIGS)):
        raise ConfigError(f'`{key}.cfg` must be a config file '
                          f'({", ".join(_CONFIGS)}) or the config of a '
                          f'model, got {cfg!r}.')
    if not isinstance(paths, str | list | tuple) or not all(
            isinstance(path, str) for path in paths):
        raise ConfigError(f'`{key}.checkpoint` must be a file or folder, or '
                          f'a list of such, got {paths!r}.')


def renormalised(
        inputs: Tensor,
        made_by: Any,
        wanted_by: Any,
        shapes: Sequence[Sequence[int]] | None = None) -> Tensor:
    """Images as another preprocessor would have normalised them.

    Args:
        inputs: (N, 3, H, W).
        made_by: The preprocessor that made them.
        wanted_by: The one that is imitated.
        shapes: Height and width of the N images; what lies beyond is padding,
            which is not normalised. Default: there is none.
    """
    if _alike(made_by, wanted_by):
        return inputs
    mean, std, swap = _normalisation(made_by)
    new_mean, new_std, new_swap = _normalisation(wanted_by)
    images = inputs * std.to(inputs) + mean.to(inputs)
    if swap != new_swap:
        images = images.flip(1)
    images = (images - new_mean.to(inputs)) / new_std.to(inputs)
    for image, (height, width, *_) in zip(images, shapes or ()):
        image[:, height:] = wanted_by.pad_value
        image[:, :, width:] = wanted_by.pad_value
    return images


def _alike(made_by: Any, wanted_by: Any) -> bool:
    mean, std, swap = _normalisation(made_by)
    new_mean, new_std, new_swap = _normalisation(wanted_by)
    return (swap == new_swap and torch.equal(mean.cpu(), new_mean.cpu())
            and torch.equal(std.cpu(), new_std.cpu()))


def _normalisation(preprocessor: Any) -> tuple[Tensor, Tensor, bool]:
    """Mean and std (3 or 1, 1, 1), and whether channels are swapped."""
    swap = bool(getattr(preprocessor, '_channel_conversion', False))
    if not getattr(preprocessor, '_enable_normalize', False):
        return torch.zeros(1, 1, 1), torch.ones(1, 1, 1), swap
    return preprocessor.mean, preprocessor.std, swap


def _mean(outputs: Sequence[Any]) -> Any:
    first = outputs[0]
    if isinstance(first, Tensor):
        return torch.stack(list(outputs)).mean(0)
    if isinstance(first, Mapping):
        return {k: _mean([o[k] for o in outputs]) for k in first}
    return [_mean(parts) for parts in zip(*outputs)]
