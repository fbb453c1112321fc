"""Teachers: frozen guests, outside of the student's tree of modules."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmdet.structures import SampleList
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import has_task
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.run_files import chosen_checkpoint

from .recorders import output_tap, recorder_sources

__all__ = ['SEES', 'Teacher', 'Teachers', 'renormalised']

#: Which images a teacher speaks about, by whether they carry its task's
#: label: 1mse, 0mse and 2mse of [P1] Table 7.
SEES = ('annotated', 'other', 'both')
_ROOT = Path(__file__).resolve().parents[3]


class Teacher:
    """One frozen network, or several whose raw outputs are averaged.

    Args:
        name: Its name in the config.
        cfg: Config file, or config of a model.
        checkpoint: File or work folder; several make an ensemble.
        sees: ``'annotated'``, ``'other'`` or ``'both'``: images with its
            task's label, without, all.
        task: Its task; default ``name``.
        bf16: Whether it computes in bfloat16.
        channels_last: Memory layout of its convolutions.
        recorders: What is recorded of it.

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
                 bf16: bool = False,
                 channels_last: bool = False,
                 recorders: Mapping[str, Mapping[str, Any]] | None = None
                 ) -> None:
        if sees not in SEES:
            raise ConfigError(f'`model.teachers.{name}.sees` is one of '
                              f'{", ".join(SEES)}, got {sees!r}.')
        self.name, self.sees, self.task = name, sees, task or name
        self.bf16 = bf16
        paths = [checkpoint] if isinstance(checkpoint, str) else checkpoint
        self.members = [
            _network(name, cfg, path, channels_last) for path in paths
        ]
        if not self.members:
            raise ConfigError(f'`model.teachers.{name}.checkpoint` is empty.')
        self.sources = recorder_sources(
            recorders or {}, self.members[0],
            f'model.distiller.teacher_recorders.{name}')

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
    def __call__(self, inputs: Tensor, made_by: Any) -> dict[str, Any]:
        """Record one batch.

        Args:
            inputs: (N, 3, H, W), normalised for the student.
            made_by: The student's preprocessor.

        Returns:
            dict: Name of the recorder → output, float32.
        """
        recorded = [
            self._record(
                member,
                renormalised(inputs, made_by, member.data_preprocessor))
            for member in self.members
        ]
        if len(recorded) == 1:
            return recorded[0]
        return {
            name: _mean([r[name] for r in recorded])
            for name in self.sources
        }

    def _record(self, network: Any, inputs: Tensor) -> dict[str, Any]:
        sources = list(self.sources.values())
        with output_tap(network, sources) as outputs, torch.autocast(
                inputs.device.type, torch.bfloat16, enabled=self.bf16):
            if hasattr(network, 'encode') and not any(
                    s.startswith('heads') for s in sources):
                network.encode(inputs)
            else:
                network(inputs, None, mode='tensor')
        for name, source in self.sources.items():
            if len(outputs[source]) != 1:
                raise ConfigError(
                    f'`model.distiller.teacher_recorders.{self.name}.{name}` '
                    f'records {source!r}, which ran {len(outputs[source])} '
                    'times for one batch: record a module that runs once.')
        return {
            name: _floats(outputs[source][0])
            for name, source in self.sources.items()
        }


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


def renormalised(inputs: Tensor, made_by: Any, wanted_by: Any) -> Tensor:
    """Images as another preprocessor would have normalised them.

    Args:
        inputs: (N, 3, H, W).
        made_by: The preprocessor that made them.
        wanted_by: The one that is imitated.
    """
    mean, std, swap = _normalisation(made_by)
    new_mean, new_std, new_swap = _normalisation(wanted_by)
    if swap == new_swap and torch.equal(mean, new_mean) and torch.equal(
            std, new_std):
        return inputs
    images = inputs * std.to(inputs) + mean.to(inputs)
    if swap != new_swap:
        images = images.flip(1)
    return (images - new_mean.to(inputs)) / new_std.to(inputs)


def _normalisation(preprocessor: Any) -> tuple[Tensor, Tensor, bool]:
    """Mean and std (3 or 1, 1, 1), and whether channels are swapped."""
    swap = bool(getattr(preprocessor, '_channel_conversion', False))
    if not getattr(preprocessor, '_enable_normalize', False):
        return torch.zeros(1, 1, 1), torch.ones(1, 1, 1), swap
    return preprocessor.mean.cpu(), preprocessor.std.cpu(), swap


def _network(name: str, cfg: str | Mapping[str, Any], checkpoint: str,
             channels_last: bool) -> BaseModel:
    """A teacher's network, filled and frozen."""
    model_cfg = _model_cfg(name, cfg)
    with DefaultScope.overwrite_default_scope('mmdet'):
        network: BaseModel = MODELS.build(model_cfg)
    path = chosen_checkpoint(checkpoint)
    try:
        load_weights(network, load_file(path), str(path))
    except CheckpointError as error:
        raise CheckpointError(
            f'`model.teachers.{name}.checkpoint`: {error}') from error
    if channels_last:
        network.to(memory_format=torch.channels_last)
        if hasattr(network, 'memory_format'):
            network.memory_format = torch.channels_last
    network.requires_grad_(False)
    network.eval()
    return network


def _model_cfg(name: str, cfg: str | Mapping[str, Any]) -> dict[str, Any]:
    """The config of a teacher's model, without weights from elsewhere."""
    if isinstance(cfg, str):
        path = Path(cfg)
        if not path.is_file():
            path = _ROOT / cfg
        if not path.is_file():
            raise ConfigError(f'`model.teachers.{name}.cfg` {cfg} does not '
                              'exist: check the path.')
        model = dict(Config.fromfile(str(path)).model)
    else:
        model = dict(cfg)
    model = dict(model.get('architecture', model))  # a student turned teacher
    # the checkpoint fills all: ImageNet's weights are not asked for
    if 'init_cfg' in (model.get('backbone') or {}):
        model['backbone'] = dict(model['backbone'], init_cfg=None)
    return model


def _floats(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, Mapping):
        return {k: _floats(v) for k, v in output.items()}
    return [_floats(v) for v in output]


def _mean(outputs: Sequence[Any]) -> Any:
    first = outputs[0]
    if isinstance(first, Tensor):
        return torch.stack(list(outputs)).mean(0)
    if isinstance(first, Mapping):
        return {k: _mean([o[k] for o in outputs]) for k in first}
    return [_mean(parts) for parts in zip(*outputs)]
