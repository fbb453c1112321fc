"""From files to arrays; a broken file is named, never half read."""
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes

from mmmultas.datasets.decode import (decode_colours, decode_ids,
                                      decode_image, decode_mask)
from mmmultas.datasets.files import read_bytes
from mmmultas.datasets.mask_runs import RunCache
from mmmultas.datasets.readers import LabelReader
from mmmultas.registry import READERS, TRANSFORMS
from mmmultas.structures import DET, SEG, label_key
from mmmultas.utils.errors import ConfigError

from .labels import BoxLabels, kind_in

__all__ = [
    'LoadImage', 'LoadLabels', 'decode_colours', 'decode_ids', 'decode_mask'
]

Results = dict[str, Any]


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read ``img_path`` as BGR, uint8, (H, W, 3).

    Grey, CMYK, 16-bit and transparent pictures become plain BGR. Sets
    ``img``, ``img_shape`` and ``ori_shape`` (h, w), and ``exif``, by which
    whoever draws the picture later turns it alike.

    Args:
        exif: Turn the picture as its EXIF tag says, as annotation tools show
            it. ``False``: labels were drawn on the pixels as stored.

    Raises:
        DataError: A file that is missing, truncated or no picture.
    """

    def __init__(self, exif: bool = True) -> None:
        self.exif = exif

    def transform(self, results: Results) -> Results:
        """Add the picture to ``results``."""
        path = results['img_path']
        img = decode_image(read_bytes(path, 'image'), path, self.exif)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        results['exif'] = self.exif
        return results


@TRANSFORMS.register_module()
class LoadLabels(BaseTransform):
    """Turn the labels of the record, those that it has, into arrays.

    'det' in ``tasks``: ``gt_bboxes`` (HorizontalBoxes, pixels of the
    original image), ``gt_bboxes_labels`` int64, ``gt_ignore_flags`` bool.
    'seg' in ``tasks``: ``gt_seg_map`` uint8 (H, W) of train ids, 255 =
    ignore. Any other task: ``gt_<task>``, read from ``labels[task]`` of the
    record by the reader of its kind. Nothing else is read.

    In training place it behind :class:`LoadImage`, in evaluation behind the
    resize, so that the labels stay in original pixels.

    Args:
        cache_mb: Masks of class numbers that were read stay in memory as
            runs, up to so many megabytes per process: some kilobytes each,
            and several times faster than the PNG. 0 switches it off.

    Raises:
        DataError: A label that is missing, broken, of another size than its
            image, or with values outside its range.
        ConfigError: A task of a kind that nobody reads.
    """

    def __init__(self, cache_mb: float = 256) -> None:
        self._cache = RunCache(int(cache_mb * 2**20))
        self._readers: dict[str, LabelReader] = {}

    def transform(self, results: Results) -> Results:
        """Add the labels to ``results``."""
        for task in results['tasks']:
            kind = kind_in(results, task)
            label = self._reader(kind).read(_source(results, task), results)
            if task == DET:
                _set_stock_boxes(results, label)
            else:
                results[label_key(task)] = label
        if SEG in results['tasks']:
            # what MMSegmentation's transforms move along with the image
            results['seg_fields'] = ['gt_seg_map']
        return results

    def _reader(self, kind: str) -> LabelReader:
        if kind not in self._readers:
            reader = READERS.get(kind)
            if reader is None:
                raise ConfigError(
                    f'Labels of the kind {kind!r} have no reader: register '
                    'one in READERS (docs/add_a_task.md).')
            self._readers[kind] = reader(self._cache)
        return self._readers[kind]


def _source(results: Results, task: str) -> dict[str, Any]:
    """Where a label is: records of det and seg have keys of their own."""
    if task in (results.get('labels') or {}):
        found: dict[str, Any] = results['labels'][task]
        return found
    if task == DET:
        return dict(instances=results['instances'])
    if task == SEG:
        return dict(
            path=results['seg_map_path'],
            lut=results.get('seg_lut'),
            colours=results.get('seg_colours'))
    raise ConfigError(
        f'{results.get("img_path", "A record")} is annotated for {task!r}, '
        f'but its record has no `labels[{task!r}]`: let `get_data_info` of '
        'its data set say where the label is.')


def _set_stock_boxes(results: Results, label: Any) -> None:
    boxes: BoxLabels = label
    results['gt_bboxes'] = HorizontalBoxes(torch.from_numpy(boxes.bboxes))
    results['gt_bboxes_labels'] = boxes.labels
    results['gt_ignore_flags'] = np.asarray(boxes.ignored)
