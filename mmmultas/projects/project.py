"""What a person names, and what becomes of it."""
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mmmultas.datasets.problems import Problem
from mmmultas.utils.errors import ConfigError, UserError

from .data_sources import BoxSource
from .inputs import Inputs
from .mask_sources import MaskSource
from .mask_values import Legend
from .parts import other_part

__all__ = ['Project', 'Source', 'validation_part']

Found = TypeVar('Found', BoxSource, MaskSource)


@dataclass(frozen=True)
class Source:
    """What a person names on the command line.

    Attributes:
        labels: Boxes or masks.
        images: Their images, None where the layout tells.
        val_labels: Those of validation, None to hold a part out.
        val_images: Their images.
    """
    labels: str
    images: str | None = None
    val_labels: str | None = None
    val_images: str | None = None


@dataclass
class Project:
    """What was found and written.

    Attributes:
        out: The config.
        values: Those at its top.
        train: Images of training by task.
        val: Images of validation by task.
        counts: Boxes by class.
        legend: Classes of the masks, if there are any.
        inputs: What the network gets.
        facts: What a person should know: (heading, sentences).
        problems: What is wrong and is not found in the config's files.
        converted: Files and folders that were written from labels.
    """
    out: str
    values: dict[str, Any] = field(default_factory=dict)
    train: dict[str, int] = field(default_factory=dict)
    val: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    legend: Legend | None = None
    inputs: Inputs | None = None
    facts: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)


def validation_part(project: Project, source: Source, train: Found,
                    option: str,
                    find: Callable[[str, str | None], Found]) -> list[Found]:
    """What is named for validation, or lies beside training.

    Args:
        project: Gets the facts.
        source: What a person named.
        train: What was found for training.
        option: Name of the command-line option, for messages.
        find: Looks at labels, given their path and their images.

    Returns:
        One, or none.

    Raises:
        ConfigError: Images of validation without labels.
    """
    facts = []
    if train.path != source.labels:
        facts.append(f'training: {train.path}')
    found = []
    beside = other_part(train.path, 'val')
    if source.val_labels:
        found = [find(source.val_labels, source.val_images)]
    elif beside:
        try:
            found = [find(beside, source.val_images
                          or other_part(train.images, 'val'))]
            facts.append(f'validation: {beside}')
        except UserError as error:
            facts.append(f'{beside} is not used: {error}')
    if source.val_images and not found:
        raise ConfigError(f'--val-{option[2:]}-images names images, but there '
                          f'are no labels of validation: name them with '
                          f'--val-{option[2:]}.')
    test = other_part(train.path, 'test')
    if test is not None:
        facts.append(f'{test} is not used: it takes no part')
    if facts:
        project.facts.append((f'parts of {option} {source.labels}', facts))
    return found
