"""A student with one teacher per task, and labels that are often missing."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.dist import broadcast
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

from ..losses.loss_sum import LossSum
from ..multitask.det_seg import Levels, MultiTaskDetSeg
from .distiller import Distiller
from .teachers import Teacher, Teachers

__all__ = ['MultiTeacherDistill']

_CHECK_SIZE = 128
_CONFIGS = ('.py', '.yml', '.yaml', '.json')


@MODELS.register_module()
class MultiTeacherDistill(MultiTaskDetSeg):
    """A :class:`MultiTaskDetSeg` that also learns from teachers (SPEC 8).

    It is the student: same modules, same ``state_dict``, so that its
    checkpoints load in the plain model as they are. What is added while it
    trains, connectors and teachers, is kept beside: connectors in an entry
    of the checkpoint of their own, teachers in none.

    Args:
        architecture: Config of the student, a ``MultiTaskDetSeg``.
        teachers: Name → config of :class:`Teacher` (``cfg``, ``checkpoint``,
            ``sees``, ``task``, ``bf16``, ``channels_last``). They are built
            for training only: testing needs no file of theirs.
        distiller: Config of :class:`Distiller`.
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
        super().__init__(**{**student, **kwargs})
        if not teachers:
            raise ConfigError('`model.teachers` is empty: name at least one, '
                              'or train the architecture alone.')
        if self.sequential:
            raise ConfigError('`model.architecture.sequential` keeps streams '
                              'apart that a distillation loss joins: leave '
                              'it out.')
        self.train_on_labels = train_on_labels
        self._teacher_cfgs = _mappings('model.teachers', teachers)
        mapping_of('model.distiller', distiller)
        self._recorder_cfgs = _mappings(
            'model.distiller.teacher_recorders',
            distiller.get('teacher_recorders') or {})
        self._teachers = Teachers({})
        self._prepared = False
        self.distiller = Distiller(self, list(teachers), distiller)
        self._register_state_dict_hook(_leave_out)
        self.register_load_state_dict_post_hook(_not_missed)

    #: Some part may get no gradient in some update.
    may_skip_parts = True

    @property
    def teachers(self) -> Teachers:
        """The teachers, built on first use."""
        self.prepare()
        return self._teachers

    def init_weights(self) -> None:
        """Initialise the student; build the teachers."""
        super().init_weights()
        # the runner sends what is in the state_dict, connectors are not
        for value in self.extra_state().values():
            broadcast(value)
        self.prepare()

    def prepare(self) -> None:
        """Build the teachers and check that all parts fit, once.

        Raises:
            ConfigError: Features that cannot be compared.
            CheckpointError: A teacher's checkpoint.
        """
        if self._prepared:
            return
        built = {}
        for name, cfg in self._teacher_cfgs.items():
            try:
                recorders = {
                    **self._recorder_cfgs.get(name, {}),
                    **self.distiller.pseudo.recorders(name)
                }
                _check_files(f'model.teachers.{name}', cfg)
                built[name] = Teacher(name, recorders=recorders, **cfg)
            except TypeError as error:
                raise ConfigError(f'`model.teachers.{name}` cannot be built: '
                                  f'{error}') from error
        self._teachers = Teachers(built)
        place = next(self.parameters())
        self._teachers.apply(lambda x: x.to(place.device))
        self.distiller.pseudo.check(self._teachers, self)
        self._check_fit(place)
        self._prepared = True

    @torch.no_grad()
    def _check_fit(self, place: Tensor) -> None:
        """Distil one empty picture: shapes that differ show now."""
        size = (_CHECK_SIZE, _CHECK_SIZE)
        inputs = {'': place.new_zeros((1, 3, *size))}
        sample = DetDataSample(
            metainfo=dict(
                tasks=tuple(self.tasks),
                img_shape=size,
                batch_input_shape=size))
        sample.gt_instances = InstanceData(
            bboxes=place.new_zeros((0, 4)),
            labels=place.new_zeros((0, ), dtype=torch.long))
        modes = {m: m.training for m in self.modules()}
        self.eval()
        with self._teachers.seeing_all(), self.distiller.all_active():
            self._kd_sums(inputs, {'': [sample]}, labels=False)
        for module, mode in modes.items():
            module.training = mode

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Losses that no training image takes part in.

        Args:
            carried: The sets of labels that images carry.

        Returns:
            dict: Loss → the teacher that it listens to.
        """
        batch = [DetDataSample(metainfo=dict(tasks=tuple(t))) for t in carried]
        return {
            name: wire.teacher
            for name, wire in self.distiller.wires.items()
            if not self.distiller.taking_part(name, self.teachers, batch)
        }

    def set_update(self, update: int) -> None:
        """Tell which update comes: schedules of losses follow it."""
        self.distiller.update = update

    def extra_state(self) -> dict[str, Tensor]:
        """Weights that training needs and the student does not have."""
        state: dict[str, Tensor] = self.distiller.state_dict()
        return state

    def load_extra_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`extra_state`.

        Raises:
            ConfigError: It is that of another distiller.
        """
        own = self.distiller.state_dict()
        shapes = {k: getattr(v, 'shape', None) for k, v in state.items()}
        if {k: v.shape for k, v in own.items()} != shapes:
            raise ConfigError(
                'The checkpoint was written with other connectors than '
                '`model.distiller.connectors` now has: resume with the '
                'config of the first run, or start a new one with '
                '`load_from`.')
        self.distiller.load_state_dict(dict(state))

    def loss(self, inputs: Mapping[str, Tensor],
             data_samples: Mapping[str, SampleList]) -> dict[str, Tensor]:
        """Losses of labels (if they are learnt from) and of teachers."""
        self.prepare()
        feats, sums = self._kd_sums(inputs, data_samples,
                                    self.train_on_labels)
        return self._divide(sums) or self.nothing(feats)

    def counted_terms(self) -> list[tuple[str, str]]:
        """The heads' terms and the distiller's."""
        return (super().counted_terms() + self.distiller.terms +
                self.distiller.pseudo.terms(self))

    def _kd_sums(
        self, inputs: Mapping[str, Tensor],
        samples: Mapping[str, SampleList], labels: bool
    ) -> tuple[dict[str, Levels], dict[str, dict[str, LossSum]]]:
        distiller = self.distiller
        with distiller.recording(self) as outputs:
            feats: dict[str, Levels] = self.extract_feats(inputs)
        sizes = {name: len(x) for name, x in inputs.items()}
        recording = distiller.by_stream(outputs, sizes)
        answers = self._teachers.ask(
            inputs, samples, lambda name, batch: distiller.wanted(
                name, self._teachers, batch) | distiller.pseudo.wanted(
                    name, batch), self.data_preprocessor)
        distiller.pseudo.write(self._teachers, answers, inputs, samples)
        with distiller.record_heads(self, feats, samples, self._teachers,
                                    recording):
            sums = self.task_sums(feats, samples) if labels else {}
            sums['pseudo'] = distiller.pseudo.sums(self, feats, samples)
        sums['kd'] = distiller.sums(self._teachers, answers, samples,
                                    recording)
        return feats, sums

    def _apply(self, fn: Callable[[Tensor], Tensor],
               recurse: bool = True) -> 'MultiTeacherDistill':
        """Move the teachers with the student."""
        super()._apply(fn, recurse)
        if '_teachers' in self.__dict__:
            self._teachers.apply(fn)
        return self


def _mappings(key: str, value: Any) -> dict[str, dict[str, Any]]:
    """Mappings by name."""
    return {
        name: dict(mapping_of(f'{key}.{name}', inner))
        for name, inner in mapping_of(key, value).items()
    }


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


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str,
               metadata: Any) -> None:
    """A student's state holds nothing of its distiller."""
    for key in [k for k in state if k.startswith(f'{prefix}distiller.')]:
        del state[key]


def _not_missed(module: Any, incompatible: Any) -> None:
    missing = incompatible.missing_keys
    own = {f'distiller.{k}' for k in module.distiller.state_dict()}
    missing[:] = [
        k for k in missing if not any(k.endswith(o) for o in own)
    ]
