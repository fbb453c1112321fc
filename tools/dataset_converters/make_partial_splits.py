#!/usr/bin/env python
"""Write who is annotated for what: detection, segmentation or both.

python tools/dataset_converters/make_partial_splits.py data/VOCdevkit
"""
import argparse

from mmmultas.datasets.split_lists import PROTOCOLS, write_splits
from mmmultas.utils.console import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write the lists of partially annotated VOC.')
    parser.add_argument('source', help='VOCdevkit, or a folder of its lists')
    parser.add_argument('--out', default='data/multas_splits')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--protocol',
        choices=PROTOCOLS,
        default='partial',
        help='partial: disjoint boxes and masks; selftrain: nested parts of '
        'VOC07+12 trainval; fixed: parts of trainaug of fixed sizes')
    parser.add_argument(
        '--existing',
        metavar='DIR',
        help='take these lists (DIR/VOC2007/MXEdet/train.txt ...) instead of '
        'drawing new ones; leaks are refused')
    parser.add_argument(
        '--num-det', type=int, default=500, help='boxes (fixed)')
    parser.add_argument(
        '--num-seg', type=int, default=360, help='masks (fixed)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        print(write_splits(**vars(args)))
        print(f'written to {args.out} (seed {args.seed})')


if __name__ == '__main__':
    main()
