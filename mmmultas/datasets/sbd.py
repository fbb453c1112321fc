"""SBD's MATLAB masks as palette PNGs beside those of VOC2012."""
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmmultas.utils.errors import DataError

from .checks import read_ids
from .files import read_bytes
from .label_map import IGNORE, VOC_PALETTE
from .matlab import LIMIT, struct_field
from .split_lists import write_ids

__all__ = ['convert_sbd', 'read_sbd_mask', 'save_palette_png']

Track = Callable[[list[Path]], Iterable[Path]]


def convert_sbd(sbd: str | os.PathLike[str],
                voc: str | os.PathLike[str],
                track: Track = iter) -> dict[str, int]:
    """Fill ``SegmentationClassAug`` and write ``trainaug.txt``.

    Masks of VOC2012 take precedence over SBD's. Every file appears in one
    piece, so that a run that was stopped goes on where it was.

    Args:
        sbd: SBD's folder: it or its ``dataset`` holds ``cls/*.mat``.
        voc: The VOC2012 folder.
        track: Wraps the files, for a progress bar.

    Returns:
        Numbers of masks: ``voc``, ``sbd`` (new), ``kept`` (were there) and
        ``trainaug`` (ids in the list).

    Raises:
        DataError: A folder or list is missing, or a file is broken.
    """
    sbd, voc = Path(sbd), Path(voc)
    mats = _mat_files(sbd)
    sets, out = voc / 'ImageSets/Segmentation', voc / 'SegmentationClassAug'
    train, val = (read_ids(sets / f'{name}.txt') for name in ('train', 'val'))
    ours = sorted((voc / 'SegmentationClass').glob('*.png'))
    if not ours:
        raise DataError(f'{voc}/SegmentationClass has no masks; unpack '
                        f'VOC2012 first.')
    out.mkdir(exist_ok=True)
    first = {path.stem for path in ours}
    counts = dict(voc=0, sbd=0, kept=0)
    for path in track([*ours, *(m for m in mats if m.stem not in first)]):
        target = out / f'{path.stem}.png'
        if target.is_file():
            counts['kept'] += 1
        elif path.suffix == '.png':
            part = target.with_suffix('.part')
            shutil.copyfile(path, part)
            os.replace(part, target)
            counts['voc'] += 1
        else:
            save_palette_png(read_sbd_mask(path), target)
            counts['sbd'] += 1
    trainaug = ({m.stem for m in mats} | set(train)) - set(val)
    write_ids(sets / 'trainaug.txt', trainaug)
    return {**counts, 'trainaug': len(trainaug)}


def read_sbd_mask(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read ``GTcls.Segmentation``: (H, W) uint8, 0 background … 20.

    Raises:
        DataError: No such entry, or values that are no VOC class.
    """
    data = read_bytes(path, 'mask', LIMIT)
    try:
        mask = struct_field(data, 'GTcls', 'Segmentation')
    except ValueError as error:
        raise DataError(f'{path} is no MATLAB file that can be read '
                        f'({error}); unpack SBD again.') from error
    if mask is None or mask.ndim != 2 or not mask.size:
        raise DataError(f'{path} has no GTcls.Segmentation; use the files of '
                        f'the folder cls.')
    if not np.isin(mask, [*range(len(VOC_PALETTE)), IGNORE]).all():
        raise DataError(f'{path} holds values that are no VOC class; unpack '
                        f'SBD again.')
    return mask.astype(np.uint8)


def save_palette_png(mask: NDArray[np.uint8],
                     path: str | os.PathLike[str]) -> None:
    """Write (H, W) class numbers with VOC's colours, in one piece."""
    picture = Image.fromarray(mask)
    colours = np.zeros((256, 3), np.uint8)
    colours[:len(VOC_PALETTE)] = VOC_PALETTE
    colours[IGNORE] = (224, 224, 192)
    picture.putpalette(colours.ravel().tolist())
    part = Path(path).with_suffix('.part')
    picture.save(part, 'png')
    os.replace(part, path)


def _mat_files(sbd: Path) -> list[Path]:
    for folder in (sbd / 'cls', sbd / 'dataset/cls'):
        found = sorted(folder.glob('*.mat'))
        if found:
            return found
    raise DataError(f'{sbd} has no cls/*.mat; name the unpacked folder of '
                    f'SBD (benchmark_RELEASE).')
