"""What to do after a look at own data: a sentence and a command."""
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmmultas.datasets.problems import ERROR, Problem
from mmmultas.utils.resources import command

from .project import Project

__all__ = ['next_step']


def next_step(project: Project, problems: Sequence[Problem],
              arguments: Sequence[str]) -> str:
    """A sentence, and the next command in the last line.

    What was converted knows nothing of a file that is mended afterwards, and
    the check of the config nothing of what was found while converting.

    Args:
        project: What was written.
        problems: Its own, and those of the config's files.
        arguments: Of the command line, after the tool's name.
    """
    out = shlex.quote(project.out)
    if not any(p.severity == ERROR for p in problems):
        first = 'If it is as you meant' if problems else 'Next'
        return f'{first}:\n{command("train")} {out}'
    if not project.converted and not any(
            p.severity == ERROR for p in project.problems):
        return f'Mend them, then look again:\n{command("check_data")} {out}'
    what = ' and '.join(project.converted)
    why = (f'Mend them, then convert the labels again ({what} would stay as '
           f'{"it is" if len(project.converted) == 1 else "they are"})'
           if what else 'Mend them, then look at the labels again')
    return (f'{why}:\n{command("new_project")} '
            f'{shlex.join(_with_out(arguments, project.out))}')


def _with_out(arguments: Sequence[str], out: str) -> list[str]:
    """The same arguments for a config of another name."""
    path = Path(out)
    other = next(p for i in range(2, 1000) if not (
        p := path.with_name(f'{path.stem}_{i}{path.suffix}')).exists())
    kept = [a for a in arguments if not a.startswith('--out=')]
    if '--out' in kept:
        place = kept.index('--out')
        del kept[place:place + 2]
    return [*kept, '--out', str(other)]
