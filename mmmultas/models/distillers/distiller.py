"""Recorders, connectors, losses and the teachers they listen to."""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from mmdet.structures import SampleList
from mmengine.model import BaseModule

from mmmultas.utils.precision import full_precision, in_full
from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError

from ..losses.distillation import DistillLoss
from ..losses.loss_sum import LossSum
from .recorders import (output_tap, recorder_sources, remembered, take_rows)
from .pseudo import PseudoLabels
from .teachers import Answers, Teachers
from .wiring import (Wire, arguments, build_connectors, build_losses,
                     read_wires)

__all__ = ['Distiller', 'Recording']

#: Stream → recorder → output.
Recording = dict[str, dict[str, Any]]
_KEYS = ('student_recorders', 'teacher_recorders', 'connectors',
         'distill_losses', 'loss_forward_mappings', 'pseudo_labels')


class Distiller(BaseModule):
    """What is added to a student while it learns from teachers.

    Args:
        student: The network that learns.
        teachers: Names of the teachers.
        cfg: ``student_recorders``, ``teacher_recorders`` (by teacher),
            ``connectors``, ``distill_losses`` and
            ``loss_forward_mappings``, in mmrazor's grammar, and
            ``pseudo_labels`` (:class:`PseudoLabels`).

    Raises:
        ConfigError: Something that the parts of ``cfg`` name does not exist.
    """

    def __init__(self, student: Any, teachers: Sequence[str],
                 cfg: Mapping[str, Any]) -> None:
        super().__init__()
        unknown = sorted(set(cfg) - set(_KEYS))
        if unknown:
            raise ConfigError(f'`model.distiller` has the unknown key '
                              f'{unknown[0]!r}; have {", ".join(_KEYS)}.')
        self.recorders = recorder_sources(
            cfg.get('student_recorders') or {}, student,
            'model.distiller.student_recorders')
        for name in cfg.get('teacher_recorders') or {}:
            if name not in teachers:
                raise ConfigError(
                    f'`model.distiller.teacher_recorders` names {name!r}, '
                    f'but the teachers are {", ".join(teachers)}.')
        self.connectors = build_connectors(cfg.get('connectors') or {})
        losses = cfg.get('distill_losses') or {}
        self.losses = build_losses(losses) if losses else {}
        self.wires: dict[str, Wire] = read_wires(
            cfg.get('loss_forward_mappings') or {}, self.losses,
            self.recorders, {
                name: (cfg.get('teacher_recorders') or {}).get(name, {})
                for name in teachers
            }, self.connectors) if losses else {}
        self.pseudo = PseudoLabels(
            cfg.get('pseudo_labels') or {}, teachers, list(student.tasks))
        if not losses and not self.pseudo.rules:
            raise ConfigError('`model.distiller` has neither `distill_losses` '
                              'nor `pseudo_labels`: name at least one.')
        self.update = 0
        self._all_active = False

    @property
    def terms(self) -> list[tuple[str, str]]:
        """All terms, in a fixed order."""
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

    @contextmanager
    def recording(self, student: Any) -> Iterator[dict[str, list[Any]]]:
        """Record the student's encoder within the scope."""
        sources = [s for s in self.recorders.values() if not _of_head(s)]
        with output_tap(student, sources) as outputs:
            yield outputs

    def by_stream(self, outputs: Mapping[str, list[Any]],
                  sizes: Mapping[str, int]) -> Recording:
        """Give every stream its part of what the encoder put out.

        Raises:
            ConfigError: A module did not run once per stream, or once.
        """
        recording: Recording = {stream: {} for stream in sizes}
        for name, source in self.recorders.items():
            if _of_head(source):
                continue
            calls = outputs[source]
            if len(calls) == 1 and len(sizes) > 1:
                total, start = sum(sizes.values()), 0
                for stream, size in sizes.items():
                    rows = range(start, start + size)
                    recording[stream][name] = take_rows(
                        calls[0], rows, total)
                    start += size
            elif len(calls) == len(sizes):
                for stream, output in zip(sizes, calls):
                    recording[stream][name] = output
            else:
                raise ConfigError(
                    f'`model.distiller.student_recorders.{name}` records '
                    f'{source!r}, which ran {len(calls)} times for '
                    f'{len(sizes)} streams: record a module that runs once '
                    'per stream.')
        return recording

    @contextmanager
    def record_heads(self, student: Any, feats: Mapping[str, Any],
                     samples: Mapping[str, SampleList], teachers: Teachers,
                     recording: Recording) -> Iterator[None]:
        """Run recorded heads on whole streams, once: losses remember it.

        Only on streams in which a loss that is active compares them.

        Raises:
            ConfigError: A part of a head did not run once.
        """
        compared = self._compared(teachers, samples)
        with ExitStack() as stack:
            for task in student.tasks:
                head, known = student.heads[task], []
                for stream, names in compared.items():
                    sources = {
                        name: self.recorders[name]
                        for name in names
                        if _of_head(self.recorders[name]) == task
                    }
                    if not sources:
                        continue
                    levels = student.tasks[task].select(feats[stream])
                    with output_tap(student, list(
                            sources.values())) as outputs:
                        known.append((levels, head(levels)))
                    for name, source in sources.items():
                        recording[stream][name] = _only(
                            name, source, outputs[source])
                if known:
                    stack.enter_context(remembered(head, known))
            yield

    def _compared(
            self, teachers: Teachers,
            samples: Mapping[str, SampleList]) -> dict[str, dict[str, None]]:
        """The recorders that active losses read, by stream."""
        compared: dict[str, dict[str, None]] = {s: {} for s in samples}
        for name in self.active():
            for stream, batch in samples.items():
                if self.taking_part(name, teachers, batch):
                    compared[stream].update(
                        dict.fromkeys(
                            s.recorder
                            for s in self.wires[name].student.values()))
        return compared

    def wanted(self, name: str, teachers: Teachers,
               batch: SampleList) -> set[int]:
        """Samples that an active loss compares with a teacher."""
        return {
            row
            for loss in self.active() if self.wires[loss].teacher == name
            for row in self.taking_part(loss, teachers, batch)
        }

    def taking_part(self, name: str, teachers: Teachers,
                    batch: SampleList) -> list[int]:
        """Samples that a loss's teacher sees, with the label it needs."""
        needs = self.losses[name].needs
        return [
            i for i in teachers[self.wires[name].teacher].rows(batch)
            if needs is None or has_task(batch[i], needs)
        ]

    def sums(self, teachers: Teachers, answers: Answers,
             samples: Mapping[str, SampleList],
             recording: Recording) -> dict[str, LossSum]:
        """All losses, of the streams that their teachers see.

        Args:
            teachers: The teachers.
            answers: What they said.
            samples: N samples per stream.
            recording: What was recorded of the student.
        """
        sums: dict[str, LossSum] = {}
        for stream, batch in samples.items():
            for name, loss in self.active().items():
                rows = self.taking_part(name, teachers, batch)
                if not rows:
                    continue
                taught = answers.of(self.wires[name].teacher, stream, rows)
                for term, value in self._loss(
                        name, loss, recording[stream], taught, rows,
                        batch).items():
                    sums[term] = (sums[term].merge(value)
                                  if term in sums else value)
        return sums

    def _loss(self, name: str, loss: DistillLoss, student: Mapping[str, Any],
              taught: Mapping[str, Any], rows: list[int],
              batch: SampleList) -> dict[str, LossSum]:
        wire = self.wires[name]
        ours = {
            s.recorder: take_rows(student[s.recorder], rows, len(batch))
            for s in wire.student.values()
        }
        given = arguments(wire.student, ours, self.connectors)
        given |= arguments(wire.teachers, taught, {})
        given = in_full(given)
        if wire.samples:
            given['samples'] = [batch[i] for i in rows]
        with full_precision():
            values = loss(**given)
        factor = loss.factor(self.update)
        return {
            name + term: value.scaled(factor)
            for term, value in values.items()
        }


def _only(name: str, source: str, calls: Sequence[Any]) -> Any:
    if len(calls) != 1:
        raise ConfigError(
            f'`model.distiller.student_recorders.{name}` records {source!r}, '
            f'which ran {len(calls)} times for one batch: record the whole '
            'head, or a part that runs once.')
    return calls[0]


def _of_head(source: str) -> str | None:
    """The task of a head's module; None of other modules."""
    parts = source.split('.')
    return parts[1] if parts[0] == 'heads' and len(parts) > 1 else None
