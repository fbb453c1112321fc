"""What is wrong with a file, as a value: so that all of it can be told."""
import os
from dataclasses import dataclass

from mmmultas.utils.errors import DataError

__all__ = ['Problem', 'first_of', 'problem_of']


@dataclass(frozen=True)
class Problem:
    """One thing to mend.

    Attributes:
        file: The file or folder, or a config key where there is none.
        reason: What is wrong, without the file's name and full stop.
        mend: What to do about it, likewise.
    """
    file: str
    reason: str
    mend: str

    def __str__(self) -> str:
        return f'{self.file} {self.reason}; {self.mend}.'


def problem_of(error: Exception,
               file: str | os.PathLike[str],
               mend: str = 'mend or replace it') -> Problem:
    """The problem that an error's sentence tells.

    Args:
        error: Its text is "<file> <reason>; <mend>." by the house's custom.
        file: The file that was read.
        mend: In case that the sentence has none.

    Example:
        >>> problem_of(ValueError('a.png is cut; replace it.'), 'a.png')
        Problem(file='a.png', reason='is cut', mend='replace it')
    """
    text = ' '.join(str(error).split()).removesuffix('.')
    reason, mark, told = text.rpartition('; ')
    if not mark:
        reason, told = text, mend
    name = str(file)
    if reason.startswith(f'{name} '):
        reason = reason[len(name) + 1:]
    return Problem(name, reason, told)


def first_of(problems: list[Problem]) -> None:
    """Raise the first problem, if there is one, and count the others.

    Raises:
        DataError: There is a problem.
    """
    if not problems:
        return
    more = ''
    if problems[1:]:
        more = (f' There are {len(problems) - 1} more problems: '
                f'tools/check_data.py lists them all.')
    raise DataError(f'{problems[0]}{more}')
