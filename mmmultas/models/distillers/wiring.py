"""Which recording enters which loss, checked when it is built."""
import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

from ..losses.distillation import DistillLoss

__all__ = [
    'Source', 'Wire', 'arguments', 'build_connectors', 'build_losses',
    'read_wires'
]


@dataclass(frozen=True)
class Source:
    """Where an argument of a loss comes from.

    Attributes:
        recorder: Name of the recorder.
        connector: Name of the connector behind it, of a student only.
        part: Item of a recorded tuple, None for all of it.
    """
    recorder: str
    connector: str | None = None
    part: int | str | None = None


@dataclass(frozen=True)
class Wire:
    """A loss with its arguments.

    Attributes:
        teacher: Name of the teacher that it listens to.
        student: Argument → source, of the student.
        teachers: Argument → source, of the teacher.
        samples: Whether it also takes the samples.
    """
    teacher: str
    student: Mapping[str, Source]
    teachers: Mapping[str, Source]
    samples: bool = False


def build_losses(cfgs: Mapping[str, Mapping[str, Any]]) -> ModuleDict:
    """Build the losses.

    Raises:
        ConfigError: None, one of another kind, or one whose name MMEngine
            would not add up.
    """
    if not cfgs:
        raise ConfigError('`model.distiller.distill_losses` is empty: name '
                          'at least one loss.')
    losses = ModuleDict()
    key = 'model.distiller.distill_losses'
    for name, cfg in mapping_of(key, cfgs).items():
        if not name.startswith('loss'):
            raise ConfigError(f'`model.distiller.distill_losses.{name}`: the '
                              "name must begin with 'loss', since only such "
                              'values are added up.')
        loss = _built(f'distill_losses.{name}', cfg)
        if not isinstance(loss, DistillLoss):
            raise ConfigError(
                f'`model.distiller.distill_losses.{name}` is a '
                f'{type(loss).__name__}, no distillation loss: take '
                'mmmultas.FeatureMSE, PDFDistill, DeFeat, SoftDetection or '
                'SegmentationKL, or derive one from DistillLoss.')
        _add(losses, 'distill_losses', name, loss)
    terms = [name + t for name, loss in losses.items() for t in loss.terms]
    twice = sorted({term for term in terms if terms.count(term) > 1})
    if twice:
        raise ConfigError(
            f'Two losses of `model.distiller.distill_losses` have a term '
            f'{twice[0]!r}: rename one of them.')
    return losses


def build_connectors(cfgs: Mapping[str, Mapping[str, Any]]) -> ModuleDict:
    """Build the connectors."""
    connectors = ModuleDict()
    key = 'model.distiller.connectors'
    for name, cfg in mapping_of(key, cfgs).items():
        _add(connectors, 'connectors', name, _built(f'connectors.{name}', cfg))
    return connectors


def _add(modules: ModuleDict, key: str, name: str, module: nn.Module) -> None:
    try:
        modules[name] = module
    except KeyError as error:
        raise ConfigError(
            f'`model.distiller.{key}` cannot hold the name {name!r} '
            f'({error.args[0]}): choose another.') from error


def read_wires(mappings: Mapping[str, Mapping[str, Mapping[str, Any]]],
               losses: Mapping[str, DistillLoss],
               student: Mapping[str, Any],
               teachers: Mapping[str, Mapping[str, Any]],
               connectors: Mapping[str, nn.Module]) -> dict[str, Wire]:
    """Read ``loss_forward_mappings``.

    Args:
        mappings: Loss → argument → ``dict(from_student=True,
            recorder='feats', connector='det')`` or ``dict(
            from_student=False, teacher='det', recorder='feats')``; either
            may take one item of a tuple by ``data_idx``.
        losses: The losses.
        student: Recorders of the student.
        teachers: Recorders of each teacher.
        connectors: The connectors.

    Returns:
        dict: Loss → wire.

    Raises:
        ConfigError: A name that does not exist, an argument that is missing
            or unknown, a loss that listens to no or to several teachers, or
            a connector that no loss uses, and that would learn nothing.
    """
    mapping_of('model.distiller.loss_forward_mappings', mappings)
    _known('loss_forward_mappings', mappings, losses)
    missing = [name for name in losses if name not in mappings]
    if missing:
        raise ConfigError('`model.distiller.loss_forward_mappings` has no '
                          f'entry for {missing[0]!r}: say what its arguments '
                          'are.')
    wires = {
        name: _wire(name, mappings[name], loss, student, teachers, connectors)
        for name, loss in losses.items()
    }
    used = {s.connector for w in wires.values() for s in w.student.values()}
    idle = [name for name in connectors if name not in used]
    if idle:
        raise ConfigError(
            f'`model.distiller.connectors.{idle[0]}` is used by no loss: '
            'remove it, or name it in `loss_forward_mappings`.')
    return wires


def _wire(name: str, mapping: Mapping[str, Mapping[str, Any]],
          loss: DistillLoss, student: Mapping[str, Any],
          teachers: Mapping[str, Mapping[str, Any]],
          connectors: Mapping[str, nn.Module]) -> Wire:
    key = f'loss_forward_mappings.{name}'
    ours: dict[str, Source] = {}
    theirs: dict[str, Source] = {}
    heard: dict[str, None] = {}
    for argument, cfg in mapping_of(f'model.distiller.{key}',
                                    mapping).items():
        place = f'{key}.{argument}'
        cfg = dict(mapping_of(f'model.distiller.{place}', cfg))
        from_student = cfg.pop('from_student', None)
        if not isinstance(from_student, bool):
            raise ConfigError(f'`model.distiller.{place}` must say '
                              '`from_student=True` or `False`.')
        if from_student:
            ours[argument] = _source(place, cfg, student, connectors)
            continue
        if 'connector' in cfg:
            raise ConfigError(f'`model.distiller.{place}`: connectors are '
                              "for the student's side.")
        teacher = _heard(place, cfg, teachers)
        heard[teacher] = None
        theirs[argument] = _source(place, cfg, teachers[teacher], {})
    if len(heard) != 1:
        raise ConfigError(
            f'`model.distiller.{key}` listens to {len(heard)} teachers '
            f'({", ".join(heard)}): a loss listens to one; average several '
            'as members of one teacher (a list as `checkpoint`).')
    if not ours:
        raise ConfigError(f'`model.distiller.{key}` takes nothing of the '
                          'student, which could learn nothing from it.')
    samples = _check_arguments(key, loss, {*ours, *theirs})
    return Wire(next(iter(heard)), ours, theirs, samples)


def _heard(place: str, cfg: dict[str, Any],
           teachers: Mapping[str, Any]) -> str:
    """The teacher that an argument names; the only one needs no name."""
    teacher = cfg.pop('teacher', None)
    if teacher is None and len(teachers) == 1:
        teacher = next(iter(teachers))
    if teacher is None:
        raise ConfigError(f'`model.distiller.{place}` must name its '
                          f'`teacher`: {", ".join(teachers)}.')
    _known(place, [teacher], teachers)
    return str(teacher)


def _source(place: str, cfg: dict[str, Any], recorders: Mapping[str, Any],
            connectors: Mapping[str, nn.Module]) -> Source:
    recorder = cfg.pop('recorder', '')
    _known(place, [recorder], recorders)
    connector = cfg.pop('connector', None)
    if connector is not None:
        _known(place, [connector], connectors)
    part = cfg.pop('data_idx', None)
    if not isinstance(part, int | str | None):
        raise ConfigError(f'`model.distiller.{place}.data_idx` must be the '
                          f'number or name of an item, got {part!r}.')
    if cfg:
        raise ConfigError(f'`model.distiller.{place}` has the unknown '
                          f'key {next(iter(cfg))!r}.')
    return Source(recorder, connector, part)


def _check_arguments(key: str, loss: DistillLoss, given: set[str]) -> bool:
    """Compare with the loss's signature; whether it takes samples."""
    known = dict(inspect.signature(loss.forward).parameters)
    samples = known.pop('samples', None) is not None
    wanted = set(known)
    needed = {k for k, p in known.items() if p.default is p.empty}
    for wrong, what in ((needed - given, 'lacks the argument'),
                        (given - wanted, 'has the unknown argument')):
        if wrong:
            raise ConfigError(
                f'`model.distiller.{key}` {what} {sorted(wrong)[0]!r} of '
                f'{type(loss).__name__}, which takes '
                f'{", ".join(sorted(wanted))}.')
    return samples


def _known(key: str, names: Any, known: Any) -> None:
    for name in names:
        if not isinstance(name, str) or name not in known:
            near = difflib.get_close_matches(str(name), list(known), 1)
            hint = (f'did you mean {near[0]!r}?' if near else
                    f'have {", ".join(sorted(known)) or "none"}.')
            raise ConfigError(f'`model.distiller.{key}` names {name!r}, which '
                              f'does not exist: {hint}')


def _built(key: str, cfg: Mapping[str, Any]) -> nn.Module:
    cfg = dict(mapping_of(f'model.distiller.{key}', cfg))
    try:
        module: nn.Module = MODELS.build(cfg)
    except ConfigError as error:
        raise ConfigError(f'`model.distiller.{key}`: {error}') from error
    except (KeyError, TypeError, ValueError) as error:
        text = str(error.args[0] if error.args else error)
        raise ConfigError(f'`model.distiller.{key}` cannot be built: '
                          f'{" ".join(text.split())}') from error
    return module


def arguments(sources: Mapping[str, Source], recorded: Mapping[str, Any],
              connectors: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Recorded outputs as a loss's arguments."""
    values = {}
    for name, source in sources.items():
        value = recorded[source.recorder]
        if source.part is not None:
            value = _item(value, source)
        if source.connector is not None:
            value = connectors[source.connector](value)
        values[name] = value
    return values


def _item(value: Any, source: Source) -> Any:
    parts = range(len(value)) if isinstance(value, list | tuple) else value
    if isinstance(parts, Tensor) or source.part not in parts:
        raise ConfigError(
            f'`data_idx={source.part!r}` takes an item of what the recorder '
            f'{source.recorder!r} recorded, which is a '
            f'{type(value).__name__} without it: leave it out or mend it.')
    return value[source.part]
