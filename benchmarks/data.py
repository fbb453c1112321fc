#!/usr/bin/env python
"""Images per second of one loading worker, against reading them at all.

``whole`` is everything that a worker does for a sample, from the file to the
packed tensor, seeding included; ``transforms`` leaves decoding out;
``imread`` is ``cv2.imread`` of the same images, ``imread all`` of their maps
as well. Ratios are speeds over that of ``imread``: 1 would mean that nothing
but decoding costs anything.

    MMMULTAS_DATA=DATA python benchmarks/data.py [--out FILE]
    MMMULTAS_KITCHEN=FOLDER python benchmarks/data.py --maps [--out FILE]
"""
import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from mmengine.config import Config
from mmengine.registry import init_default_scope
from timing import (ROOT, interleave, ratio, set_up, summarise,
                    write_report)

from mmmultas.datasets.transforms import LoadImage, LoadLabels
from mmmultas.registry import DATASETS


VOC_TASKS = (('det', ), ('seg', ), ('det', 'seg'))
MAP_TASKS = (('seg', ), ('depth', ), ('normals', ),
             ('seg', 'depth', 'normals'))


def build(root: str, tasks: tuple[str, ...], size: int, count: int) -> Any:
    """The training data of the papers' configs, from one list."""
    names = [
        'LoadImage', 'LoadLabels', 'Squash', 'PhotometricJitter', 'CropExpand',
        'RandomFlip', 'Squash', 'PackInputs'
    ]
    pipeline = [
        dict(type=f'mmmultas.{name}', **
             (dict(size=size) if name == 'Squash' else {})) for name in names
    ]
    subset = dict(
        root='VOC2012',
        ids='ImageSets/Segmentation/trainaug.txt',
        masks='SegmentationClassAug')
    return DATASETS.build(
        dict(
            type='mmmultas.SeededDataset',
            dataset=dict(
                type='mmmultas.VOCDataset',
                data_root=root,
                subsets=[subset],
                tasks=tasks,
                indices=count,
                pipeline=pipeline)))


def build_maps(tasks: tuple[str, ...]) -> Any:
    """The training data of configs/_base_/datasets/kitchen.py."""
    cfg = Config.fromfile(ROOT / 'configs/_base_/datasets/kitchen.py')
    data = dict(cfg.train_dataloader.seg.dataset, tasks=tasks, regime=None)
    return DATASETS.build(dict(type='mmmultas.SeededDataset', dataset=data))


def measure(data: Any, tasks: tuple[str, ...], args: Any) -> dict[str, Any]:
    """Times of one kind of sample."""
    inner = data.dataset
    steps = inner.pipeline.transforms
    rest = [s for s in steps if not isinstance(s, (LoadImage, LoadLabels))]
    loaded = []
    for index in range(len(data)):
        record = inner.get_data_info(index)
        for step in steps[:2]:
            record = step(record)
        loaded.append(record)

    def transforms() -> None:
        for record in loaded:
            record = dict(record)
            for step in rest:
                record = step(record)

    paths = [record['img_path'] for record in loaded]
    maps = paths + [path for record in loaded for path in _maps(record)]
    times = interleave(
        {
            'imread': lambda: [cv2.imread(path) for path in paths],
            'imread all': lambda: [cv2.imread(path, cv2.IMREAD_UNCHANGED)
                                   for path in maps]
        } | dict(
            transforms=transforms,
            whole=lambda: [data[index] for index in range(len(data))]),
        args.repeats,
        what='+'.join(tasks))
    return dict(
        times=summarise(times),
        images_per_second=round(
            len(data) / sorted(times['whole'])[args.repeats // 2], 1),
        transforms=ratio(times, ['imread'], ['transforms']),
        whole=ratio(times, ['imread'], ['whole']),
        whole_over_all=ratio(times, ['imread all'], ['whole']))


def _maps(record: dict[str, Any]) -> Iterator[str]:
    """Files of the maps of an image."""
    if record.get('seg_map_path'):
        yield record['seg_map_path']
    for source in (record.get('labels') or {}).values():
        if 'path' in source:
            yield source['path']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=320)
    parser.add_argument('--images', type=int, default=300)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument(
        '--maps', action='store_true', help='depth, normals and classes')
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    set_up(threads=1)
    init_default_scope('mmdet')
    root = os.path.join(os.environ.get('MMMULTAS_DATA', 'data'), 'VOCdevkit')
    chosen = MAP_TASKS if args.maps else VOC_TASKS
    write_report(
        args.out, {
            '+'.join(tasks): measure(
                build_maps(tasks) if args.maps else build(
                    root, tasks, args.size, args.images), tasks, args)
            for tasks in chosen
        })


if __name__ == '__main__':
    main()
