"""A folder of masks that a tool makes of the boxes of a training stream."""
import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import DATASETS
from mmmultas.structures import BOXES, CLASSES, DET, kind_of, voc_colour
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.run_files import MASKS_MARK

from .label_map import IGNORE
from .writing import is_whole_png, write_json, write_png

__all__ = ['MaskFolder', 'MaskMaker']



@dataclass(frozen=True)
class MaskFolder:
    """What was written.

    Attributes:
        written: Masks that are new.
        kept: Masks that were there.
        unknown: Classes of boxes that have no pixel class.
        unlabelled: Images of the stream without boxes' labels, left out.
    """
    written: int
    kept: int
    unknown: tuple[str, ...]
    unlabelled: int = 0

    def text(self, out: str | Path) -> str:
        """What a tool says of it."""
        said = [f'{self.written} masks written to {out}, {self.kept} were '
                'there.']
        if self.unlabelled:
            said.append(f'{self.unlabelled} images of the stream are not '
                        'labelled with boxes and have no mask.')
        if self.unknown:
            said.append('Boxes without a pixel class, left out: '
                        f'{", ".join(self.unknown)}.')
        return '\n'.join(said)


class MaskMaker:
    """Where masks come from and go to.

    Args:
        cfg: A config with ``train_dataloader``; another of its streams, or
            one of validation, carries masks, whose classes are taken.
        stream: Name of the training stream of boxes.
        out: Folder of ``<image>.png``.

    Raises:
        ConfigError: No such stream, no boxes, no masks, or more classes than
            a file holds.
        DataError: Two images of the stream have one name, or none has boxes'
            labels.
    """

    def __init__(self, cfg: Mapping[str, Any], stream: str,
                 out: str | Path) -> None:
        loaders = cfg.get('train_dataloader') or {}
        if loaders.get(stream) is None:
            named = [name for name, loader in loaders.items() if loader]
            raise ConfigError(
                f'`train_dataloader` has no stream {stream!r}: it '
                f'has {", ".join(named) or "none"}.')
        self.out = Path(out)
        self.stream = stream
        self.data = DATASETS.build(loaders[stream]['dataset'])
        self.data.full_init()
        meta = self.data.metainfo
        found = [t for t in meta['tasks'] if kind_of(t, meta) == BOXES]
        if not found:
            raise ConfigError(
                f'The data set carries {", ".join(meta["tasks"])}, no label '
                f'of the kind {BOXES!r}.')
        if DET not in found:
            raise ConfigError(
                f'`train_dataloader.{stream}` has boxes of {found[0]!r}; '
                f'masks are made of those that are called {DET!r}.')
        self.boxes: tuple[str, ...] = tuple(meta[DET]['classes'])
        self.task, self.masks, self._values = _mask_classes(cfg)
        # a subset may withhold the boxes of its images
        self._places = [i for i in range(len(self.data))
                        if DET in self.data.get_data_info(i)['tasks']]
        self.paths = [self.data.get_data_info(i)['img_path']
                      for i in self._places]
        if not self.paths:
            raise DataError(
                f'No image of `train_dataloader.{stream}` is labelled with '
                f'{DET!r}, and masks are made of boxes: name a stream that '
                'has some (--stream).')
        self._check_names()

    @property
    def exif(self) -> bool:
        """Whether the stream's pictures are turned as their tag says."""
        steps = getattr(self.data.pipeline, 'transforms', ())
        return next((bool(step.exif) for step in steps
                     if hasattr(step, 'exif')), True)

    @property
    def unlabelled(self) -> int:
        """Number of images of the stream that have no boxes' labels."""
        return len(self.data) - len(self._places)

    def record(self, index: int) -> dict[str, Any]:
        """The record of an image of :attr:`paths`, with its boxes."""
        return dict(self.data.get_data_info(self._places[index]))

    def begin(self, made_from: Mapping[str, Any], maker: str) -> None:
        """Mark the folder, or make sure that it is that of such masks.

        Args:
            made_from: Settings that decide what a mask is.
            maker: What a reader calls this.

        Raises:
            DataError: It holds masks of other data or settings, or such as
                no tool made: they stay as they are.
        """
        mark = dict(
            boxes=list(self.boxes), masks=list(self.masks),
            images=len(self.paths), first=Path(self.paths[0]).name,
            names=self._digest(), **made_from)
        path = self.out / MASKS_MARK
        if path.is_file():
            there = json.loads(path.read_text())
            there.setdefault('names', mark['names'])  # older ones have none
            if there != json.loads(json.dumps(mark)):
                raise DataError(
                    f'{self.out} holds masks that were made from other '
                    'images, classes or settings: name another folder, or '
                    'remove it.')
        elif self.out.is_dir() and any(self.out.glob('*.png')):
            raise DataError(f'{self.out} holds masks that {maker} did not '
                            'make here: name another folder.')
        else:
            write_json(path, mark)

    def path_of(self, index: int) -> Path:
        """Where the mask of an image is."""
        return self.out / f'{Path(self.paths[index]).stem}.png'

    def is_there(self, index: int, size: tuple[int, int]) -> bool:
        """Whether the whole mask of an image of (height, width) is."""
        return is_whole_png(self.path_of(index), size)

    def write(self, index: int, mask: NDArray[np.uint8]) -> None:
        """Write the mask of an image.

        Args:
            index: Of the image.
            mask: (H, W) pixel classes, 255 for what is ignored.
        """
        write_png(self.path_of(index), self._values[mask],
                  [voc_colour(k) for k in range(256)])

    def _digest(self) -> str:
        """Of the names of all images, in any order."""
        names = sorted(Path(path).name for path in self.paths)
        return hashlib.sha256('\n'.join(names).encode(
            errors='surrogateescape')).hexdigest()[:16]

    def _check_names(self) -> None:
        name, count = Counter(
            Path(path).stem for path in self.paths).most_common(1)[0]
        if count > 1:
            raise DataError(
                f'{count} images of `train_dataloader.{self.stream}` are '
                f'called {name}, and their masks would be one file: call the '
                'tool once for each folder of images.')


def _mask_classes(
        cfg: Mapping[str, Any]
) -> tuple[str, tuple[str, ...], NDArray[np.uint8]]:
    """The task of masks, its classes, and the file's value of each.

    Where a ``label_map`` merges classes, a file that is read with it has the
    value of the first class that becomes the merged one.
    """
    for loader in _loaders(cfg):
        data = DATASETS.build(_unread(loader['dataset']))
        meta = data.metainfo
        for task in meta['tasks']:
            if kind_of(task, meta) == CLASSES:
                _check_number(task, len(meta[task]['classes']))
                values = np.arange(256, dtype=np.uint8)
                space: Any = getattr(data, 'spaces', {}).get(task)
                for k in range(len(meta[task]['classes']) if space else 0):
                    values[k] = [space.index[name]
                                 for name in space.sources].index(k)
                return task, tuple(meta[task]['classes']), values
    raise ConfigError('No stream of `train_dataloader` carries masks, whose '
                      'classes these would have.')


def _check_number(task: str, count: int) -> None:
    if count > IGNORE:
        raise ConfigError(
            f'The masks of {task!r} have {count} classes, and a file of one '
            f'byte per pixel holds {IGNORE}: merge some by a `label_map`.')


def _unread(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A data set that tells its classes before it reads its lists."""
    kind = DATASETS.get(str(cfg['type']))
    if kind is None or 'lazy_init' not in inspect.signature(kind).parameters:
        return dict(cfg)
    return dict(cfg, lazy_init=True)


def _loaders(cfg: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    streams = chain.from_iterable(
        (cfg.get(f'{split}_dataloader') or {}).values()
        for split in ('train', 'val', 'test'))
    return (loader for loader in streams if loader is not None)
