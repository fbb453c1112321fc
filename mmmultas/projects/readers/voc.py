"""Folders of VOC's XMLs, and roots in VOC's layout."""
from pathlib import Path
from typing import Any

from mmmultas.datasets.checks import scan_voc_xml
from mmmultas.datasets.listing import list_files
from mmmultas.datasets.problems import problem_of
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.progress import progress

from .base import Format

__all__ = ['VOC', 'voc_root']


def voc_root(path: str | Path, folder: str, option: str) -> Path | None:
    """The root of VOC's layout that ``path`` is or holds, if it does.

    Args:
        path: A folder.
        folder: 'Annotations' or 'SegmentationClass'.
        option: Name of the command-line option, for the message.

    Raises:
        ConfigError: It holds several.
    """
    if (Path(path) / folder).is_dir():
        return Path(path)
    below = sorted(p.parent for p in Path(path).glob(f'*/{folder}'))
    if len(below) > 1:
        raise ConfigError(
            f'{option} {path} holds {len(below)} roots: name one, for '
            f'example {below[0]} (several make one data set with '
            f'mmmultas.VOCDataset, see docs/own_data.md).')
    return below[0] if below else None


def _open(path: Path) -> Opened | None:
    if not path.is_dir():
        return None
    root = voc_root(path, 'Annotations', '--det')
    folder = root / 'Annotations' if root else path
    files = list_files(folder, '.xml')[0]
    if not files:
        return None
    places = [root / 'JPEGImages'] if root else [
        path.parent / 'images', path.parent / 'JPEGImages', path]

    def read(_: Any, task: str) -> LabelSet:
        found = LabelSet(())
        for name, file in progress(files.items(), what='XMLs', unit='file'):
            try:
                annotation, problems = scan_voc_xml(file)
            except DataError as error:
                found.problems.append(problem_of(error, file))
                continue
            found.problems += problems
            things = tuple(
                Thing(o.name, (o.bbox[0] - 1., o.bbox[1] - 1., o.bbox[2] - 1.,
                               o.bbox[3] - 1.), ignore=o.difficult)
                for o in annotation.objects)
            found.pictures.append(Picture(name, annotation.size, things))
        found.classes = tuple(
            sorted({t.name for p in found.pictures for t in p.things}))
        return found

    return Opened('VOC XML', str(folder), list(files), places, read,
                  in_place=True)


VOC = Format('VOC XML', 'a folder of XMLs, or a root with Annotations',
             ('det', ), _open)
