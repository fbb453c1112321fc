"""What a test has written, by task."""
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmmultas.datasets.decode import decode_mask
from mmmultas.datasets.files import read_bytes, shown
from mmmultas.registry import WRITERS
from mmmultas.structures import (CLASSES, DET, SEG, canonical_name,
                                 has_task, kind_of, pred_field,
                                 sem_seg_data)
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.output_names import INDEX, TASKS

__all__ = ['SavedPredictions']

_MAX_BYTES = 2**33


class _Detection(NamedTuple):
    bbox: tuple[float, ...]
    score: float
    label: int


class SavedPredictions:
    """What ``tools/test.py`` wrote: ``--out``, ``--seg-out``, ``--out-dir``.

    Args:
        paths: A JSON file of boxes, which says its task; a folder of masks,
            of 'seg'; the folder of ``--out-dir``, with all tasks.

    Raises:
        DataError: A path that does not exist or is no such file.
        ConfigError: Two sources of one task.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self._sources: dict[str, Path] = {}
        self._classes: dict[str, list[str]] = {}
        self._images: dict[str, dict[tuple[str, str],
                                     list[_Detection]]] = {}
        self._places: dict[str, dict[str, str]] = {}
        for path in map(Path, paths):
            if not path.exists():
                raise DataError(f'{path} does not exist: check the path.')
            inside = _of_all_tasks(path) if path.is_dir() else {}
            for task, own in inside.items():
                self._add(task, own)
            if not inside:
                self._add(SEG if path.is_dir() else None, path)

    def _add(self, task: str | None, path: Path) -> None:
        if path.is_dir():
            assert task is not None
            self._places[task] = _read_index(path)
        else:
            task = self._read_boxes(path, task)
        if task in self._sources:
            raise ConfigError(
                f'Both {self._sources[task]} and {path} hold predictions '
                f'for {task!r}: give one file of boxes or one folder of '
                'maps for each task.')
        self._sources[task] = path

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that there are predictions for."""
        return tuple(self._sources)

    @property
    def classes(self) -> list[str] | None:
        """The classes of the boxes of 'det'."""
        return self.classes_of(DET)

    def classes_of(self, task: str) -> list[str] | None:
        """The classes that boxes were found of; None of a map."""
        return self._classes.get(task)

    def alone(self, task: str, kind: str) -> 'SavedPredictions':
        """Those of one task, as if it was the only det or seg.

        Args:
            task: Of kind boxes or classes.
            kind: Its kind.
        """
        own, twin = canonical_name(kind), SavedPredictions([])
        for name in ('_sources', '_classes', '_images', '_places'):
            table = getattr(self, name)
            setattr(twin, name, {own: table[task]} if task in table else {})
        return twin

    def attach(self, sample: DetDataSample,
               meta: Mapping[str, Any] | None = None) -> None:
        """Put the predictions of its image into a sample.

        Args:
            sample: Of an image.
            meta: Metainfo of the data: kinds, and units of maps.

        Raises:
            DataError: There are none.
            ConfigError: Maps of a kind that nobody reads back.
        """
        for task, path in self._sources.items():
            if has_task(sample, task):
                value = (self._map(sample, task, meta or {})
                         if path.is_dir() else self._instances(sample, task))
                setattr(sample, pred_field(task), value)

    def _read_boxes(self, path: Path, task: str | None) -> str:
        data = read_bytes(path, 'predictions', _MAX_BYTES)
        try:
            content = json.loads(data)
            name = str(content.get('task') or task or DET)
            classes = _names(content['classes'])
            images = self._images.setdefault(name, {})
            for image in content['images']:
                key = _key(image['img_id'], image['img_path'])
                if key in images:
                    raise DataError(f'{path} holds image {shown(key[0])} '
                                    'twice.')
                images[key] = [
                    _detection(one, len(classes))
                    for one in image['detections']
                ]
        except DataError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError,
                RecursionError) as error:
            raise DataError(f'{path} is no file of `tools/test.py --out` '
                            f'({type(error).__name__}: '
                            f'{shown(str(error))}).') from error
        self._classes[name] = classes
        return name

    def _instances(self, sample: DetDataSample, task: str) -> InstanceData:
        meta = sample.metainfo
        found = self._images[task].get(
            _key(meta['img_id'], meta['img_path']))
        if found is None:
            raise DataError(
                f'{self._sources[task]} holds no prediction for '
                f'{meta["img_path"]}: test with this config first.')
        return InstanceData(
            bboxes=torch.tensor([one.bbox for one in found],
                                dtype=torch.float32).reshape(-1, 4),
            scores=torch.tensor([one.score for one in found],
                                dtype=torch.float32),
            labels=torch.tensor([one.label for one in found],
                                dtype=torch.int64))

    def _map(self, sample: DetDataSample, task: str,
             meta: Mapping[str, Any]) -> PixelData:
        kind = kind_of(task, meta)
        writer = WRITERS.get(kind)(meta.get(task, {}))
        image = str(sample.metainfo['img_path'])
        name = self._places[task].get(
            image, f'{Path(image).stem}{writer.suffix}')
        path = self._sources[task] / name
        if not path.is_file():
            option = '--seg-out' if task == SEG else '--out-dir'
            raise DataError(f'{path} does not exist: test with this config '
                            f'and {option} first.')
        if kind == CLASSES:
            labels = decode_mask(read_bytes(path, 'mask'), str(path))
            return sem_seg_data(torch.from_numpy(
                labels.astype(np.int64))[None])
        values = np.asarray(writer.read(path))
        planes = values[None] if values.ndim == 2 else values.transpose(
            2, 0, 1)
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(planes)))


def _of_all_tasks(folder: Path) -> dict[str, Path]:
    """The tasks of a folder of ``--out-dir``; none of a folder of masks."""
    if not (folder / TASKS).is_file():
        return {}
    return {task: folder / place
            for task, place in _places_in(folder / TASKS, 'list').items()}


def _read_index(folder: Path) -> dict[str, str]:
    """Where the maps of images of one name lie; nothing without them."""
    path = folder / INDEX
    return _places_in(path, 'index') if path.is_file() else {}


def _places_in(path: Path, what: str) -> dict[str, str]:
    """Places within a folder, by what they are for."""
    try:
        places = json.loads(read_bytes(path, what))
        if all('..' not in Path(place).parts and not Path(place).is_absolute()
               for place in places.values()):
            return dict(places)
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass
    raise DataError(f'{path} is no {what} of `tools/test.py`: test again.')


def _key(img_id: Any, img_path: Any) -> tuple[str, str]:
    return str(img_id), Path(str(img_path)).name


def _names(classes: Any) -> list[str]:
    if not isinstance(classes, list) or not classes or not all(
            isinstance(name, str) for name in classes):
        raise TypeError('`classes` is no list of names')
    return classes


def _detection(entry: Any, count: int) -> _Detection:
    bbox, score, label = (entry[key] for key in ('bbox', 'score', 'label'))
    numbers = [*bbox, score]
    # a comparison first: an int may be too large for a float
    if len(bbox) != 4 or not all(
            type(v) in (int, float) and abs(v) <= 1e9 for v in numbers):
        raise ValueError('a bbox or score is no finite number')
    if type(label) is not int or not 0 <= label < count:
        raise ValueError('a label is no number of a class')
    return _Detection(tuple(map(float, bbox)), float(score), label)
