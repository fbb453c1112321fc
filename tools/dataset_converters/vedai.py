#!/usr/bin/env python
"""Write the boxes of VEDAI as COCO jsons, two for each fold.

python tools/dataset_converters/vedai.py data/VEDAI --size 512
"""
import argparse

from mmmultas.datasets.vedai import FOLDS, convert_vedai
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write foldNN_train.json and foldNN_test.json; images '
        'stay where they are.')
    parser.add_argument(
        'root', help='folder with Vehicules512 and Annotations512, or 1024')
    parser.add_argument('--size', type=int, default=512, help='512 or 1024')
    parser.add_argument('--out', help='default: ROOT/boxes512')
    parser.add_argument(
        '--folds', type=int, nargs='+', default=FOLDS, metavar='FOLD')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        counts = convert_vedai(**vars(args), track=progress)
        print(', '.join(f'{what}: {n}' for what, n in counts.items()))


if __name__ == '__main__':
    main()
