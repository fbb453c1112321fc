"""The files of a folder by name."""
import os
from pathlib import Path

from mmmultas.utils.errors import DataError

from .problems import Problem

__all__ = ['IMAGE_SUFFIXES', 'list_files']

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def list_files(folder: str | os.PathLike[str],
               suffix: str | None = None
               ) -> tuple[dict[str, str], list[Problem]]:
    """Files below a folder by name: relative path without suffix.

    Args:
        folder: Looked through with its subfolders; hidden files are not.
        suffix: End of the names, None for every type of image.

    Returns:
        tuple: Sorted, and a problem for each name that two files have.

    Raises:
        DataError: No such folder.
    """
    if not os.path.isdir(folder):
        raise DataError(f'{folder} is no folder; mend the path.')
    wanted = (suffix, ) if suffix else IMAGE_SUFFIXES
    found: dict[str, str] = {}
    problems = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(d for d in folders if not d.startswith('.'))
        base = Path(os.path.relpath(place, folder)).as_posix()
        for file in sorted(files):
            end = next((s for s in wanted
                        if file.endswith(s) or file.lower().endswith(s)), None)
            if end is None or file.startswith('.'):
                continue
            name = file[:-len(end)]
            name = name if base == '.' else f'{base}/{name}'
            path = os.path.join(place, file)
            if name in found:
                problems.append(
                    Problem(path, f'has the name of {found[name]}',
                            'rename one, or set `image_suffix`', 'match'))
            else:
                found[name] = path
    return dict(sorted(found.items())), problems
