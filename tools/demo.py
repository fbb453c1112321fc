#!/usr/bin/env python
"""Train on handwritten digits, half of the labels hidden, and look at it.

python tools/demo.py            # what `make demo` runs
"""
import argparse
import os

from mmmultas.testing.demo import run_demo
from mmmultas.utils.console import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write the digits, train detection, segmentation and '
        'both, test them, print a table and draw pictures.')
    parser.add_argument(
        '--data',
        default=os.environ.get('MMMULTAS_DIGITS', 'data/digits'),
        help='folder of the digits, made if need be')
    parser.add_argument('--work-dir', default='work_dirs/demo')
    parser.add_argument(
        '--updates',
        type=int,
        default=int(os.environ.get('DEMO_UPDATES') or 1200),
        help='updates of every training (default: DEMO_UPDATES or 1200)')
    parser.add_argument(
        '--jobs', type=int, default=2, help='trainings at a time')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        print(run_demo(args.data, args.work_dir, args.updates, args.jobs))


if __name__ == '__main__':
    main()
