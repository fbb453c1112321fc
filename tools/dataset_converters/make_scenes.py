#!/usr/bin/env python
"""Draw small 3D scenes with boxes, classes, depth, normals and edges.

python tools/dataset_converters/make_scenes.py data/scenes
"""
import argparse

from mmmultas.testing.scenes import write_scenes
from mmmultas.utils.console import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Draw rooms with boxes, balls and cylinders; every label '
        'is exact (docs/tasks.md).')
    parser.add_argument('out', help='folder, for example data/scenes')
    parser.add_argument('--num-train', type=int, default=1600)
    parser.add_argument('--num-val', type=int, default=200)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        write_scenes(args.out, args.num_train, args.num_val)
        print(f'{args.num_train} scenes to train on and {args.num_val} to '
              f'judge by are in {args.out}')


if __name__ == '__main__':
    main()
