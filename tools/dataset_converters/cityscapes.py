#!/usr/bin/env python
"""Turn Cityscapes into small images with masks of its 7 categories.

python tools/dataset_converters/cityscapes.py data/cityscapes \
    data/cityscapes_128x256
"""
import argparse

from mmmultas.datasets.cityscapes import convert_cityscapes
from mmmultas.datasets.cityscapes_maps import (DISPARITIES, convert_disparity,
                                               convert_label_ids)
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write images, category masks and boxes of Cityscapes '
        '(fine annotations); goes on where it was stopped.')
    parser.add_argument('root', help='folder with leftImg8bit and gtFine')
    parser.add_argument(
        'out', nargs='?', default='data/cityscapes_128x256')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(128, 256),
        metavar=('HEIGHT', 'WIDTH'),
        help='pixels of what is written, default: 128 256')
    parser.add_argument(
        '--splits', nargs='+', default=('train', 'val'), metavar='SPLIT')
    parser.add_argument(
        '--disparity',
        choices=sorted(DISPARITIES),
        help="also write the disparity: in pixels (scale=1/256), or as MTAN's "
        'authors have it (scale=1/65536)')
    parser.add_argument(
        '--label-ids',
        action='store_true',
        help='also write masks of the label ids, for classes of your own '
        'choice (`mask_values`)')
    parser.add_argument('--workers', type=int, default=2, help='threads')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        counts = convert_cityscapes(
            args.root, args.out, tuple(args.size), tuple(args.splits),
            args.workers, progress)
        kept = counts.pop('kept')
        if args.disparity:
            convert_disparity(args.root, args.out, tuple(args.size),
                              tuple(args.splits), args.disparity, progress)
        if args.label_ids:
            convert_label_ids(args.root, args.out, tuple(args.size),
                              tuple(args.splits), progress)
        print(', '.join(f'{n} frames of {name}'
                        for name, n in counts.items()),
              f'are in {args.out} ({kept} were there); the whole data set '
              'has 2975 of train, 500 of val')


if __name__ == '__main__':
    main()
