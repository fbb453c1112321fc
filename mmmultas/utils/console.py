"""What a tool prints when something is wrong: one clear sentence."""
import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import UserError
from .unknown_keys import unknown_key
from .workers import sentence_of_death

__all__ = ['friendly_errors', 'sentence_of']

#: Set to 1 to see tracebacks.
TRACEBACK_ENV = 'MMMULTAS_TRACEBACK'

#: A full disk, a full quota, a file as large as it may be.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sentence_of(error: BaseException) -> str | None:
    """The sentence for an error that a user can mend, else None."""
    if isinstance(error, UserError):
        # a data-loading worker's error carries a traceback in front
        match = re.search(r'mmmultas\.utils\.errors\.\w+: (.*)\Z', str(error),
                          re.DOTALL)
        return match[1].strip() if match else str(error)
    if isinstance(error, TypeError):
        found = unknown_key(error)
        return None if found is None else (
            f'{found[0]} has no key {found[1]!r}: {found[2]}')
    if isinstance(error, FileNotFoundError):
        name = error.filename or str(error)
        return f'{name} does not exist: check the path.'
    if isinstance(error, OSError) and error.errno in FULL:
        name = f' to write {error.filename}' if error.filename else ''
        return (f'There is no room{name} ({error.strerror}): make room; a '
                'training goes on with --resume.')
    if isinstance(error, RuntimeError):
        # the cause knows the signal
        return (sentence_of_death(str(error.__cause__))
                or sentence_of_death(str(error)))
    if isinstance(error, KeyError) and 'registry' in str(error):
        text = ' '.join(str(error.args[0]).split())
        return text.split(' Please check')[0]
    return None


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Print the sentence and exit with 1; other errors pass through.

    Raises:
        SystemExit: A user's error.
    """
    try:
        yield
    except Exception as error:
        if os.environ.get(TRACEBACK_ENV) == '1':
            raise
        sentence = sentence_of(error)
        if sentence is None:
            raise
        print(f'error: {sentence}', file=sys.stderr)
        sys.exit(1)
