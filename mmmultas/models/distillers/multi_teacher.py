"""A student with one teacher per task: an older way to write a companion."""
from collections.abc import Mapping
from typing import Any

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

from ..multitask.det_seg import MultiTaskDetSeg
from .distiller import Distiller
from .teachers import Teachers

__all__ = ['MultiTeacherDistill']


@MODELS.register_module()
class MultiTeacherDistill(MultiTaskDetSeg):
    """A :class:`MultiTaskDetSeg` with a :class:`Distiller` as companion.

    The same as ``companions=dict(teachers=dict(type='mmmultas.Distiller',
    teachers=..., **distiller))`` of the architecture.

    Args:
        architecture: Config of the student, a ``MultiTaskDetSeg``.
        teachers: Name → config of a teacher.
        distiller: The other keys of :class:`Distiller`.
        train_on_labels: Whether labels are learnt from as well; without
            them only the teachers speak.

    Raises:
        ConfigError: A part of unknown type or no mapping, or parts that do
            not fit.
    """

    def __init__(self,
                 architecture: Mapping[str, Any],
                 teachers: Mapping[str, Mapping[str, Any]],
                 distiller: Mapping[str, Any],
                 train_on_labels: bool = True,
                 **kwargs: Any) -> None:
        student = dict(mapping_of('model.architecture', architecture))
        kind = student.pop('type', 'mmmultas.MultiTaskDetSeg')
        if str(kind).split('.')[-1] != 'MultiTaskDetSeg':
            raise ConfigError('`model.architecture.type` must be '
                              f"'mmmultas.MultiTaskDetSeg', got {kind!r}.")
        companion = dict(mapping_of('model.distiller', distiller))
        companion.update(
            type='mmmultas.Distiller',
            key='model.distiller',
            teachers=mapping_of('model.teachers', teachers),
            train_on_labels=train_on_labels)
        student = {**student, **kwargs}
        others = student.pop('companions', None) or {}
        super().__init__(companions=dict(others, teachers=companion),
                         **student)

    @property
    def distiller(self) -> Distiller:
        """The companion."""
        found: Distiller = self.companions['teachers']
        return found

    @property
    def teachers(self) -> Teachers:
        """The teachers, built on first use."""
        self.prepare()
        return self.distiller.teachers
