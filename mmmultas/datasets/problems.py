"""What is wrong with a file, as a value: so that all of it can be told."""
import os
from dataclasses import dataclass

from mmmultas.utils.errors import DataError
from mmmultas.utils.resources import command

__all__ = ['ERROR', 'KINDS', 'WARNING', 'Problem', 'first_of', 'problem_of']

#: An error stops training or makes it learn what is wrong; a warning names
#: what looks like a mistake, which a person must judge.
ERROR, WARNING = 'error', 'warning'
#: Kind → its title in a report; the worst come first.
KINDS = {
    'nothing': 'Nothing to learn from',
    'pipeline': 'Pipelines of which nothing right would be learnt',
    'model': 'Parts of the model that do not fit the labels',
    'file': 'Files that cannot be used',
    'match': 'Labels and images that do not find each other',
    'units': 'Boxes in another form',
    'entry': 'Entries that cannot be used',
    'size': 'Labels of another size than their image',
    'values': 'Mask values that fit no class',
    'range': 'Values that do not look like their unit',
    'class': 'Names of classes',
    'box': 'Boxes that cannot be right',
    'twice': 'Labels that are there twice',
    'overlap': 'Images in training and in validation or test',
    'picture': 'Pictures that are nearly black',
    'small': 'Boxes that are too small for the network',
    'many': 'Images with more boxes than the network lets out',
    'rare': 'Classes without labels in training',
}


@dataclass(frozen=True)
class Problem:
    """One thing to mend.

    Attributes:
        file: The file or folder, or a config key where there is none.
        reason: What is wrong, without the file's name and full stop.
        mend: What to do about it, likewise.
        kind: One of :data:`KINDS`.
        severity: ``ERROR`` or ``WARNING``.
    """
    file: str
    reason: str
    mend: str
    kind: str = 'file'
    severity: str = ERROR

    def __str__(self) -> str:
        return f'{self.file} {self.reason}; {self.mend}.'


def problem_of(error: Exception,
               file: str | os.PathLike[str],
               mend: str = 'mend or replace it',
               kind: str = 'file') -> Problem:
    """The problem that an error's sentence tells.

    Args:
        error: Its text is "<file> <reason>; <mend>." by the house's custom.
        file: The file that was read.
        mend: In case that the sentence has none.
        kind: One of :data:`KINDS`.

    Example:
        >>> print(problem_of(ValueError('a.png is cut; get it.'), 'a.png'))
        a.png is cut; get it.
    """
    text = ' '.join(str(error).split()).removesuffix('.')
    reason, mark, told = text.rpartition('; ')
    if not mark:
        reason, told = text, mend
    name = str(file)
    if reason.startswith(f'{name} '):
        reason = reason[len(name) + 1:]
    return Problem(name, reason, told, kind)


def first_of(problems: list[Problem]) -> None:
    """Raise the first error, if there is one, and count the others.

    Raises:
        DataError: There is an error; warnings are passed over.
    """
    errors = [p for p in problems if p.severity == ERROR]
    if not errors:
        return
    more, count = '', len(errors) - 1
    if count:
        tell = f'`{command("check_data")} <your config>`'
        more = (f' There are {count} more problems: {tell} lists them all.'
                if count > 1 else
                f' There is 1 more problem: {tell} tells it, too.')
    raise DataError(f'{errors[0]}{more}')
