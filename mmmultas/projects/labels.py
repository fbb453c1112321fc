"""What a person says of further labels: depth, normals, edges, parts."""
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mmmultas.datasets.problems import Problem
from mmmultas.structures import (CLASSES, DEPTH, DET, EDGES, KINDS, NORMALS,
                                 SALIENCY, SEG, check_name, kind_of)
from mmmultas.utils.errors import ConfigError, DataError

from .data_sources import BoxSource
from .mask_sources import MaskSource
from .mask_values import Legend
from .project import Source

__all__ = [
    'Label', 'LabelFound', 'in_words', 'parse_labels', 'words'
]



#: Options that are not called ``--label-...``.
_OPTIONS = {'scale': 'scale', 'unit': 'unit', 'val': 'val-label',
            'val-images': 'val-label-images'}


@dataclass(frozen=True)
class Label:
    """A label that a person names.

    Attributes:
        name: Of the task.
        kind: What the labels are.
        source: The labels and their images.
        scale: Unit of one step of depth in the files.
        unit: Of depth, for tables and pictures.
        classes: Names of the values, or ``name=value``.
        ignore: Values that take no part.
        suffix: End of the files' names.
    """
    name: str
    kind: str
    source: Source
    scale: float | None = None
    unit: str | None = None
    classes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    suffix: str | None = None

    @property
    def option(self) -> str:
        """How messages call it."""
        return f'--label {self.name}'


@dataclass
class LabelFound:
    """A label and what was found of it.

    Attributes:
        label: What was named.
        parts: Its files: of training, and of validation if these lie apart.
        legend: Classes of the values, of kind 'classes'.
        extra: What the data set is told of the files' values.
        facts: What a person should know.
        problems: What is wrong and is not found in the config's files.
    """
    label: Label
    parts: Sequence[MaskSource | BoxSource]
    legend: Legend | None = None
    extra: dict[str, object] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def boxes(self) -> list[BoxSource]:
        """The parts of kind 'boxes'."""
        return [part for part in self.parts if isinstance(part, BoxSource)]

    @property
    def maps(self) -> list[MaskSource]:
        """The parts of any other kind."""
        return [part for part in self.parts if isinstance(part, MaskSource)]


def parse_labels(texts: Sequence[str],
                 images: str | None = None,
                 of_label: Mapping[str, Sequence[str]] | None = None,
                 classes: Sequence[Sequence[str]] = ()) -> list[Label]:
    """What ``--label`` and the options beside it say.

    Args:
        texts: ``NAME=KIND:PATH``; ``NAME=PATH`` where the name is a kind.
        images: Folder of the images of all labels.
        of_label: Option ('images', 'scale', 'unit', 'ignore', 'suffix',
            'val', 'val-images') → ``NAME=VALUE``.
        classes: Lists of a name and the classes' names.

    Raises:
        ConfigError: A text of another form, an unknown kind, or a name that
            is used twice or belongs to no label.

    Example:
        >>> [label] = parse_labels(['far=depth:maps'],
        ...                        of_label=dict(scale=['far=0.001']))
        >>> label.name, label.kind, label.source.labels, label.scale
        ('far', 'depth', 'maps', 0.001)
    """
    named = _named(texts)
    told = {option: _values(option, values or (), named)
            for option, values in (of_label or {}).items()}
    of_classes = _classes(classes, named)
    labels = []
    for name, (kind, path) in named.items():
        own = {option: values[name] for option, values in told.items()
               if name in values}
        labels.append(Label(
            name, kind, Source(path, own.get('images', images),
                               own.get('val'), own.get('val-images')),
            scale=_scale(name, own.get('scale')),
            unit=own.get('unit'),
            classes=of_classes.get(name),
            ignore=tuple(own['ignore'].split(',')) if 'ignore' in own
            else None,
            suffix=own.get('suffix')))
        _check(labels[-1])
    return labels


def _named(texts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Name → kind and path."""
    named: dict[str, tuple[str, str]] = {}
    for text in texts:
        name, mark, rest = text.partition('=')
        kind, colon, path = rest.partition(':')
        if not colon and kind_of(name) in KINDS:
            kind, path = kind_of(name), rest
        if not mark or not path:
            raise ConfigError(f'--label {text} is not of the form NAME=KIND:'
                              'PATH, for example depth=depth:my/depths; '
                              f'kinds are {", ".join(KINDS)}, and NAME=PATH '
                              'is enough where the name is a kind.')
        if kind not in KINDS:
            raise ConfigError(
                f'--label {text} is of the unknown kind {kind!r}: choose '
                f'from {", ".join(KINDS)}.')
        if name in (DET, SEG):
            raise ConfigError(f'--label {text}: {name!r} is a task that '
                              f'--{name} names.')
        check_name(name, '--label')
        if name in named:
            raise ConfigError(f'--label names {name!r} twice: give each '
                              'label a name of its own.')
        named[name] = kind, path
    return named


def _values(option: str, texts: Sequence[str],
            named: Mapping[str, object]) -> dict[str, str]:
    option = _OPTIONS.get(option, f'label-{option}')
    found: dict[str, str] = {}
    for text in texts:
        name, mark, value = text.partition('=')
        if not mark or not value:
            raise ConfigError(f'--{option} {text} is not of the form NAME='
                              'VALUE.')
        if name not in named or name in found:
            raise ConfigError(
                f'--{option} {text}: ' + (
                    f'{name!r} has a value already.' if name in found else
                    f'there is no --label {name}; have '
                    f'{", ".join(named) or "none"}.'))
        found[name] = value
    return found


def _classes(lists: Sequence[Sequence[str]],
             named: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, *classes in lists:
        if name not in named or not classes:
            raise ConfigError(
                f'--label-classes {" ".join((name, *classes))} begins with '
                'the name of a label, the classes follow: --label-classes '
                'parts background arm leg; labels are '
                f'{", ".join(named) or "none"}.')
        found[name] = tuple(classes)
    return found


def _scale(name: str, text: str | None) -> float | None:
    try:
        scale = None if text is None else float(text)
    except ValueError:
        scale = 0.
    if scale is not None and not 0 < scale < float('inf'):
        raise ConfigError(f'--scale {name}={text} is no number above 0.')
    return scale


def _check(label: Label) -> None:
    """Refuse what would change nothing."""
    kinds = dict(scale=(DEPTH, ), unit=(DEPTH, ), classes=(CLASSES, ),
                 ignore=(CLASSES, EDGES, SALIENCY),
                 suffix=(CLASSES, DEPTH, EDGES, NORMALS, SALIENCY))
    for key, known in kinds.items():
        if getattr(label, key) is not None and label.kind not in known:
            option = _OPTIONS.get(key, f'label-{key}')
            raise ConfigError(f'--{option} {label.name} says nothing of '
                              f'{label.kind}: it is of {", ".join(known)}.')


def words(text: str, name: str) -> str:
    """A message about masks in the words of a label's options.

    Example:
        >>> words('name them, for example --seg-classes a=0', 'parts')
        'name them, for example --label-classes parts a=0'
    """
    for old, new in (
        (rf'--val-label {name}-images', f'--val-label-images {name}=DIR'),
        (rf'--val-label {name}\b', f'--val-label {name}=PATH'),
        (rf'--label {name}-images', f'--label-images {name}=DIR'),
        (r'--val-seg', f'--label {name} of validation'),
        (r'--seg-classes', f'--label-classes {name}'),
        (r'--ignore(?: (\d+|#\w+))?',
         lambda m: f'--label-ignore {name}={m[1] or "VALUE"}'),
        (r'--mask-suffix(?: (\S+\.\w+))?',
         lambda m: f'--label-suffix {name}={m[1] or "END"}'),
        (r'--seg\b', f'--label {name}'),
        ('`seg_classes` of', f'`classes` of {name!r} in `further` of')):
        text = re.sub(old, new, text)
    return text


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """Let errors about masks speak of a label's options."""
    try:
        yield
    except (ConfigError, DataError) as error:
        raise type(error)(words(str(error), name)) from error
