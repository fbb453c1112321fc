"""PASCAL-Context with five dense tasks, in the layout of ASTMT (SPEC-MTPSL 1).

Parts and semantic regions are MATLAB files there, edges and the places where
normals hold follow from them. They are written once, as PNGs that
:class:`~mmmultas.datasets.folder.FolderDataset` reads; images and saliency are
read in place. No code of others was used: the formats are those of the data.
"""
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from mmmultas.structures import voc_colour
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, DataError

from .decode import decode_mask, decode_values
from .files import read_bytes
from .hold_out import read_names
from .label_map import IGNORE
from .writing import Track, silent, write_png

__all__ = ['PARTS', 'convert_context', 'edges_of', 'part_map',
           'region_numbers']

#: Classes of parts, and which of PASCAL-Part's 24 parts of a person each is.
PARTS: Mapping[str, Sequence[str]] = {
    'background': (),
    'head': ('head', 'leye', 'reye', 'lear', 'rear', 'lebrow', 'rebrow',
             'nose', 'mouth', 'hair'),
    'torso': ('torso', 'neck'),
    'upper arm': ('luarm', 'ruarm'),
    'lower arm': ('llarm', 'rlarm', 'lhand', 'rhand'),
    'upper leg': ('luleg', 'ruleg'),
    'lower leg': ('llleg', 'rlleg', 'lfoot', 'rfoot')
}
_NUMBERS = {part: number for number, names in enumerate(PARTS.values())
            for part in names}
#: Besides the classes that are shared with NYU.
_ALSO = 'tvmonitor'
Mask = NDArray[np.bool_]


def convert_context(root: str | os.PathLike[str],
                    out: str | os.PathLike[str],
                    thin: Callable[[Mask], Mask],
                    normal_classes: Sequence[str] | None = None,
                    track: Track = silent) -> dict[str, int]:
    """Write ``semseg``, ``parts``, ``edges`` and ``normals`` as PNGs.

    What is there stays, so that a second call goes on. ``persons.txt`` names
    the images that have parts.

    Args:
        root: Folder with ``JPEGImages``, ``ImageSets/Context``,
            ``pascal-context/trainval`` and so on.
        out: Folder of what is written.
        thin: Makes lines of one pixel.
        normal_classes: Names of the regions where normals hold, those that
            are shared with NYU; tvmonitor is added. None: no normals.
        track: Progress bar.

    Returns:
        Images by split, and ``persons``: how many have parts.

    Raises:
        ConfigError: Names that no region has.
        DataError: A missing or broken file.
    """
    root, out = Path(root), Path(out)
    numbers = None if normal_classes is None else region_numbers(
        root / 'pascal-context/labels.txt', [*normal_classes, _ALSO])
    counts: dict[str, int] = {}
    persons = []
    for split in ('train', 'val'):
        names = read_names(root / f'ImageSets/Context/{split}.txt')
        for name in track(names, total=len(names), what=split):
            if _convert(root, out, name, thin, numbers):
                persons.append(name)
        counts[split] = len(names)
    with atomic_path(out / 'persons.txt') as part:
        part.write_text(''.join(f'{name}\n' for name in persons))
    return dict(counts, persons=len(persons))


def region_numbers(path: str | os.PathLike[str],
                   names: Sequence[str]) -> list[int]:
    """Numbers of PASCAL-Context's regions by name.

    Args:
        path: ``labels.txt`` of the data set: ``1: accordion`` and so on.
        names: Wanted ones.

    Raises:
        ConfigError: A name that the file does not have.
        DataError: The file is missing or no such list.
    """
    text = read_bytes(path, 'list of labels').decode(errors='replace')
    known = {name.strip(): int(number) for number, name in re.findall(
        r'^\s*(\d+)\s*:\s*(.+?)\s*$', text, re.M)}
    if not known:
        raise DataError(f'{path} has no lines such as "1: accordion"; take '
                        'the labels.txt of PASCAL-Context.')
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f'{path} has no {", ".join(unknown[:5])} ({len(unknown)} of '
            f'{len(names)} names): correct the list of classes with normals.')
    return [known[name] for name in names]


def edges_of(regions: NDArray[Any],
             thin: Callable[[Mask], Mask]) -> NDArray[np.uint8]:
    """Borders of regions: thinned where their Laplacian is not 0.

    Args:
        regions: (H, W) numbers.
        thin: Makes lines of one pixel.

    Returns:
        (H, W): 255 at an edge, else 0.
    """
    change = cv2.Laplacian(regions.astype(np.float64), cv2.CV_64F)
    return np.asarray(thin(np.abs(change) > 0), np.uint8) * np.uint8(255)


def part_map(objects: Sequence[tuple[str, Mapping[str, Mask]]],
             size: tuple[int, int]) -> NDArray[np.uint8]:
    """Parts of persons as class numbers.

    Args:
        objects: Class and masks (H, W) of the parts of each object.
        size: (height, width).

    Returns:
        (H, W) numbers of :data:`PARTS`; 255 everywhere without a person.

    Raises:
        DataError: A part that nobody knows.
    """
    persons = [parts for name, parts in objects if name == 'person']
    found = np.full(size, 0 if persons else IGNORE, np.uint8)
    for parts in persons:
        for part, mask in parts.items():
            if part not in _NUMBERS:
                raise DataError(f'a person has the part {part!r}, which '
                                'PASCAL-Part does not have; unpack it again.')
            found[mask > 0] = _NUMBERS[part]
    return found


def _convert(root: Path, out: Path, name: str, thin: Callable[[Mask], Mask],
             numbers: Sequence[int] | None) -> bool:
    """Write the labels of an image; whether it shows a person."""
    semseg = _first(root / 'semseg/VOC12' / f'{name}.png',
                    root / 'semseg/pascal-context' / f'{name}.png')
    classes = decode_mask(read_bytes(semseg, 'mask'), str(semseg))
    size = classes.shape[0], classes.shape[1]
    regions = _matrix(
        root / f'pascal-context/trainval/{name}.mat', 'LabelMap', size)
    parts = part_map(_objects(root / f'human_parts/{name}.mat', size), size)
    palette = [voc_colour(number) for number in range(256)]
    _write(out / f'semseg/{name}.png', lambda: classes, palette)
    _write(out / f'parts/{name}.png', lambda: parts, palette)
    _write(out / f'edges/{name}.png', lambda: edges_of(regions, thin))
    if numbers is not None:
        _write(out / f'normals/{name}.png', lambda: _normals(
            root / f'normals_distill/{name}.png', regions, numbers))
    return bool((parts != IGNORE).any())


def _write(path: Path, make: Callable[[], NDArray[np.uint8]],
           palette: Any = None) -> None:
    if not path.is_file():  # files appear in one piece
        write_png(path, make(), palette)


def _first(*paths: Path) -> Path:
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise DataError(f'{paths[0]} is missing, and so is {paths[-1]}; '
                        'unpack the masks again.')
    return found


def _normals(path: Path, regions: NDArray[Any],
             numbers: Sequence[int]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB as stored, black where they do not hold."""
    values = decode_values(read_bytes(path, 'normals'), str(path))
    if values.ndim != 3 or values.dtype != np.uint8:
        raise DataError(f'{path} is no RGB PNG of 8 bits; unpack it again.')
    _check(path, values.shape[:2], regions.shape)
    rgb = values[..., 2::-1].copy()
    rgb[~np.isin(regions, numbers)] = 0
    return rgb


def _matrix(path: Path, key: str, size: tuple[int, int]) -> NDArray[Any]:
    values = np.asarray(_mat(path).get(key))
    if values.ndim != 2:
        raise DataError(f'{path} has no matrix {key}; unpack it again.')
    _check(path, values.shape, size)
    return values


def _objects(path: Path, size: tuple[int, int]
             ) -> list[tuple[str, dict[str, Mask]]]:
    """Class and parts of every object; none without the file."""
    if not path.is_file():
        return []
    found = []
    try:
        for thing in np.atleast_1d(_mat(path)['anno'].objects):
            parts = {str(part.part_name): np.asarray(part.mask)
                     for part in np.atleast_1d(thing.parts)}
            found.append((str(getattr(thing, 'class')), parts))
    except (KeyError, AttributeError) as error:
        raise DataError(f'{path} is no file of PASCAL-Part '
                        f'({type(error).__name__}: {error}); unpack it '
                        'again.') from error
    for _, parts in found:
        for mask in parts.values():
            _check(path, mask.shape, size)
    return found


def _mat(path: Path) -> dict[str, Any]:
    data = read_bytes(path, 'MATLAB file')
    try:
        return dict(loadmat(io.BytesIO(data), struct_as_record=False,
                            squeeze_me=True))
    except Exception as error:  # whatever SciPy stumbles over
        raise DataError(f'{path} is no MATLAB file of version 5 ({error}); '
                        'unpack it again.') from error


def _check(path: Path, found: tuple[int, ...],
           size: tuple[int, ...]) -> None:
    if found != size:
        raise DataError(f'{path} is {found[1]}×{found[0]}, the mask of the '
                        f'image {size[1]}×{size[0]} pixels; unpack it again.')
