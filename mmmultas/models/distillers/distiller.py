"""Recorders, connectors, losses and the teachers they listen to."""
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import has_task
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.precision import full_precision, in_full
from mmmultas.utils.values import mapping_of

from ..companions.base import Asked, Companion, Update
from ..losses.distillation import DistillLoss
from ..losses.loss_sum import LossSum
from ..multitask.samples import is_supervised
from ..rows import take_rows
from .pseudo import PseudoLabels
from .recorders import recorder_sources
from .teachers import Answers, Teachers, build_teachers
from .wiring import (Wire, arguments, build_connectors, build_losses,
                     read_wires)

__all__ = ['Distiller']

_CHECK_SIZE = 128


@MODELS.register_module()
class Distiller(Companion):
    """Teachers, and what a network learns from them (SPEC 8).

    Args:
        student: The network that learns.
        teachers: Name → config of :class:`Teacher` (``cfg``, ``checkpoint``,
            ``sees``, ``task``, ``bf16``, ``channels_last``). They are built
            for training only: testing needs no file of theirs.
        train_on_labels: Whether labels are learnt from as well; without
            them only the teachers speak.
        key: Config key, for messages.
        **cfg: ``student_recorders``, ``teacher_recorders`` (by teacher),
            ``connectors``, ``distill_losses`` and ``loss_forward_mappings``,
            in mmrazor's grammar, and ``pseudo_labels``
            (:class:`PseudoLabels`).

    Raises:
        ConfigError: Something that the parts of ``cfg`` name does not exist.
    """
    _keys = ('student_recorders', 'teacher_recorders', 'connectors',
             'distill_losses', 'loss_forward_mappings', 'pseudo_labels')

    def __init__(self,
                 student: Any,
                 teachers: Mapping[str, Mapping[str, Any]],
                 train_on_labels: bool = True,
                 key: str = 'model.distiller',
                 **cfg: Any) -> None:
        super().__init__()
        self.key = key
        self.uses_labels = train_on_labels
        with self._named():
            self._read(student, _mappings('model.teachers', teachers), cfg)
        self.update = 0
        self._all_active = False
        self._teachers = Teachers({})
        #: What the teachers said in the update at hand.
        self._answers = Answers()

    def _read(self, student: Any, teachers: dict[str, dict[str, Any]],
              cfg: Mapping[str, Any]) -> None:
        if not teachers:
            raise ConfigError('`model.teachers` is empty: name at least one, '
                              'or train the architecture alone.')
        unknown = sorted(set(cfg) - set(self._keys))
        if unknown:
            raise ConfigError(f'`model.distiller` has the unknown key '
                              f'{unknown[0]!r}; have {", ".join(self._keys)}.')
        self._teacher_cfgs = teachers
        self._recorder_cfgs = _mappings(
            'model.distiller.teacher_recorders',
            cfg.get('teacher_recorders') or {})
        self.recorders = recorder_sources(
            cfg.get('student_recorders') or {}, student,
            'model.distiller.student_recorders')
        for name in self._recorder_cfgs:
            if name not in teachers:
                raise ConfigError(
                    f'`model.distiller.teacher_recorders` names {name!r}, '
                    f'but the teachers are {", ".join(teachers)}.')
        self.connectors = build_connectors(cfg.get('connectors') or {})
        losses = cfg.get('distill_losses') or {}
        self.losses = build_losses(losses) if losses else {}
        self.wires: dict[str, Wire] = read_wires(
            cfg.get('loss_forward_mappings') or {}, self.losses,
            self.recorders,
            {name: self._recorder_cfgs.get(name, {}) for name in teachers},
            self.connectors) if losses else {}
        self.pseudo = PseudoLabels(
            cfg.get('pseudo_labels') or {}, list(teachers), student.tasks)
        if not losses and not self.pseudo.rules:
            raise ConfigError('`model.distiller` has neither `distill_losses` '
                              'nor `pseudo_labels`: name at least one.')
        self.groups = ('kd', ) * bool(losses) + ('pseudo', ) * bool(
            self.pseudo.rules)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let messages name the keys of a companion's config."""
        try:
            yield
        except (CheckpointError, ConfigError) as error:
            if self.key == 'model.distiller':
                raise
            text = str(error).replace('model.distiller', self.key)
            raise type(error)(text.replace(
                'model.teachers', f'{self.key}.teachers')) from error

    @property
    def encoder_taps(self) -> list[str]:
        """What is recorded outside of the heads."""
        return [s for s in self.recorders.values() if not _of_head(s)]

    @property
    def teachers(self) -> Teachers:
        """The teachers; empty before :meth:`prepare`."""
        return self._teachers

    def prepare(self, model: Any) -> None:
        """Build the teachers and check that all parts fit.

        Raises:
            ConfigError: Features that cannot be compared.
            CheckpointError: A teacher's checkpoint.
        """
        with self._named():
            self._teachers = build_teachers(
                self._teacher_cfgs, {
                    name: {
                        **self._recorder_cfgs.get(name, {}),
                        **self.pseudo.recorders(name)
                    }
                    for name in self._teacher_cfgs
                }, model.tasks)
            place = next(model.parameters())
            self._teachers.apply(lambda x: x.to(place.device))
            self.pseudo.check(self._teachers, model)
            self._check_fit(model, place)

    @torch.no_grad()
    def _check_fit(self, model: Any, place: Tensor) -> None:
        """Distil one empty picture: shapes that differ show now."""
        size = (_CHECK_SIZE, _CHECK_SIZE)
        sample = DetDataSample(
            metainfo=dict(
                tasks=tuple(model.tasks),
                img_shape=size,
                batch_input_shape=size))
        sample.gt_instances = InstanceData(
            bboxes=place.new_zeros((0, 4)),
            labels=place.new_zeros((0, ), dtype=torch.long))
        modes = {m: m.training for m in model.modules()}
        model.eval()
        with self._teachers.seeing_all(), self.all_active():
            model.loss_sums({'': place.new_zeros((1, 3, *size))},
                            {'': [sample]}, labels=False,
                            companions={'': self})
        for module, mode in modes.items():
            module.training = mode

    def moved(self, function: Callable[[Tensor], Tensor]) -> None:
        """Move the teachers with the student."""
        self._teachers.apply(function)

    def set_update(self, update: int) -> None:
        """Tell which update comes: schedules of losses follow it."""
        self.update = update

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore the connectors.

        Raises:
            ConfigError: They are those of another distiller.
        """
        own = self.state_dict()
        shapes = {k: getattr(v, 'shape', None) for k, v in state.items()}
        if {k: v.shape for k, v in own.items()} != shapes:
            raise ConfigError(
                'The checkpoint was written with other connectors than '
                f'`{self.key}.connectors` now has: resume with the config of '
                'the first run, or start a new one with `load_from`.')
        self.load_state_dict(dict(state))

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """All terms, in a fixed order."""
        return self.kd_terms + self.pseudo.terms(model)

    @property
    def kd_terms(self) -> list[tuple[str, str]]:
        """Terms of the losses that listen to teachers, in a fixed order."""
        return [('kd', name + term) for name, loss in self.losses.items()
                for term in loss.terms]

    def active(self) -> dict[str, DistillLoss]:
        """Losses whose factor is not 0 at this update."""
        return {
            name: loss
            for name, loss in self.losses.items()
            if self._all_active or loss.factor(self.update)
        }

    @contextmanager
    def all_active(self) -> Iterator[None]:
        """Compute every loss within the scope, whatever its schedule."""
        self._all_active = True
        try:
            yield
        finally:
            self._all_active = False

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Losses that no training image takes part in."""
        batch = [DetDataSample(metainfo=dict(tasks=tuple(t))) for t in carried]
        place = ('model.teachers' if self.key == 'model.distiller' else
                 f'{self.key}.teachers')
        return {
            f'{self.key}.distill_losses.{name}':
            f'no image of `train_dataloader` is one that the teacher '
            f'{wire.teacher!r} sees and has the label that the loss needs; '
            f'mend `{place}.{wire.teacher}.sees`, or leave the loss out.'
            for name, wire in self.wires.items()
            if not self.taking_part(name, batch)
        }

    def needs(self, update: Update) -> Asked:
        """Ask the teachers, then the heads that are compared with them."""
        self._answers = self._teachers.ask(
            update.inputs, update.samples,
            lambda name, batch: self.wanted(name, batch) | self.pseudo.wanted(
                name, batch), update.model.data_preprocessor)
        self.pseudo.write(self._teachers, self._answers, update.inputs,
                          update.samples)
        asked = self.pseudo.needs(update)
        for name in self.active():
            for stream, batch in update.samples.items():
                rows = self.taking_part(name, batch)
                if not rows:
                    continue
                for source in self.wires[name].student.values():
                    path = self.recorders[source.recorder]
                    if task := _of_head(path):
                        asked.add(task, stream, rows, _in_head(path))
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """All losses, of the streams that their teachers see."""
        found = dict(pseudo=self.pseudo.sums(update), kd=self._kd_sums(update))
        self._answers = Answers()
        return {group: found[group] for group in found if group in self.groups}

    def wanted(self, name: str, batch: SampleList) -> set[int]:
        """Samples that an active loss compares with a teacher."""
        return {
            row
            for loss in self.active() if self.wires[loss].teacher == name
            for row in self.taking_part(loss, batch)
        }

    def taking_part(self, name: str, batch: SampleList) -> list[int]:
        """Samples that a loss's teacher sees, with the label it needs.

        Second views take part only where heads learn from them, too.
        """
        needs = self.losses[name].needs
        return [
            i for i in self._teachers[self.wires[name].teacher].rows(batch)
            if is_supervised(batch[i]) and (
                needs is None or has_task(batch[i], needs))
        ]

    def _kd_sums(self, update: Update) -> dict[str, LossSum]:
        sums: dict[str, LossSum] = {}
        for stream, batch in update.samples.items():
            for name, loss in self.active().items():
                rows = self.taking_part(name, batch)
                if not rows:
                    continue
                for term, value in self._loss(name, loss, update, stream,
                                              rows).items():
                    sums[term] = (sums[term].merge(value)
                                  if term in sums else value)
        return sums

    def _loss(self, name: str, loss: DistillLoss, update: Update, stream: str,
              rows: list[int]) -> dict[str, LossSum]:
        wire = self.wires[name]
        taught = self._answers.of(wire.teacher, stream, rows)
        ours = {
            s.recorder: self._recorded(s.recorder, update, stream, rows)
            for s in wire.student.values()
        }
        with self._named():
            given = arguments(wire.student, ours, self.connectors)
            given |= arguments(wire.teachers, taught, {})
        given = in_full(given)
        if wire.samples:
            given['samples'] = [update.samples[stream][i] for i in rows]
        with full_precision():
            values = loss(**given)
        factor = loss.factor(self.update)
        return {
            name + term: value.scaled(factor)
            for term, value in values.items()
        }

    def _recorded(self, recorder: str, update: Update, stream: str,
                  rows: list[int]) -> Any:
        """What a module of the student put out for some images."""
        path = self.recorders[recorder]
        if task := _of_head(path):
            return update.outputs[task].of(stream, rows, _in_head(path))
        return take_rows(update.encoder[stream][path], rows,
                         len(update.samples[stream]))


def _of_head(source: str) -> str | None:
    """The task of a head's module; None of other modules."""
    parts = source.split('.')
    return parts[1] if parts[0] == 'heads' and len(parts) > 1 else None


def _in_head(source: str) -> str:
    """The path of a head's module inside the head."""
    return '.'.join(source.split('.')[2:])


def _mappings(key: str, value: Any) -> dict[str, dict[str, Any]]:
    """Mappings by name."""
    return {
        name: dict(mapping_of(f'{key}.{name}', inner))
        for name, inner in mapping_of(key, value).items()
    }
