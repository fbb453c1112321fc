#!/usr/bin/env python
"""Compose a small half-labelled data set of handwritten digits.

python tools/dataset_converters/make_digits_voc.py data/digits
"""
import argparse

from mmmultas.testing.digits import write_digits_voc
from mmmultas.utils.console import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write scenes of handwritten digits in the VOC layout; '
        'boxes on one half of the training scenes, masks on the other.')
    parser.add_argument('out', help='folder, for example data/digits')
    parser.add_argument('--num-train', type=int, default=1200)
    parser.add_argument('--num-val', type=int, default=200)
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        counts = write_digits_voc(**vars(args))
        print(', '.join(f'{n} {what}' for what, n in counts.items()),
              f'written to {args.out}')


if __name__ == '__main__':
    main()
