#!/usr/bin/env python
"""Images per second of one loading worker, against reading them at all.

``whole`` is everything that a worker does for a sample, from the file to the
packed tensor, seeding included; ``transforms`` leaves decoding out;
``imread`` is ``cv2.imread`` of the same images. Ratios are speeds over that
of ``imread``: 1 would mean that nothing but decoding costs anything.

    MMMULTAS_DATA=DATA python benchmarks/data.py [--out FILE]
"""
import argparse
import os
from pathlib import Path
from typing import Any

import cv2
from mmengine.registry import init_default_scope
from timing import interleave, ratio, set_up, summarise, write_report

from mmmultas.datasets.transforms import LoadImage, LoadLabels
from mmmultas.registry import DATASETS


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


def measure(root: str, tasks: tuple[str, ...], args: Any) -> dict[str, Any]:
    """Times of one kind of sample."""
    data = build(root, tasks, args.size, args.images)
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
    times = interleave(
        dict(
            imread=lambda: [cv2.imread(path) for path in paths],
            transforms=transforms,
            whole=lambda: [data[index] for index in range(len(data))]),
        args.repeats,
        what='+'.join(tasks))
    return dict(
        times=summarise(times),
        images_per_second=round(
            args.images / sorted(times['whole'])[args.repeats // 2], 1),
        transforms=ratio(times, ['imread'], ['transforms']),
        whole=ratio(times, ['imread'], ['whole']))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=320)
    parser.add_argument('--images', type=int, default=300)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    set_up(threads=1)
    init_default_scope('mmdet')
    root = os.path.join(os.environ.get('MMMULTAS_DATA', 'data'), 'VOCdevkit')
    write_report(
        args.out, {
            '+'.join(tasks): measure(root, tasks, args)
            for tasks in (('det', ), ('seg', ), ('det', 'seg'))
        })


if __name__ == '__main__':
    main()
