#!/usr/bin/env python
"""Cut COCO in two: boxes of one half of the images, masks of the other.

python tools/dataset_converters/coco_masks.py data/coco
"""
import argparse
from pathlib import Path

from mmmultas.datasets.coco_masks import convert_coco
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write boxes of one half of the training images, class '
        'masks of the other, and both for the validation images; goes on '
        'where it was stopped.')
    parser.add_argument('root', help='folder of the jsons and of the output')
    parser.add_argument(
        '--train', default='annotations/instances_train2017.json')
    parser.add_argument('--val', default='annotations/instances_val2017.json')
    parser.add_argument('--out', default='halves')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=2, help='threads')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    root = Path(args.root)
    with friendly_errors():
        counts = convert_coco(root / args.train, root / args.val,
                              root / args.out, args.seed, args.workers,
                              progress)
        print('{boxes} images with boxes, {masks} with masks, {val} of val '
              'with both ({kept} masks were there)'.format(**counts))


if __name__ == '__main__':
    main()
