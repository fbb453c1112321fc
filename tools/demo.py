#!/usr/bin/env python
"""Train with hidden labels on data that nothing downloads, and look at it.

python tools/demo.py            # what `make demo` runs: digits, two tasks
python tools/demo.py tasks      # `make demo-tasks`: rooms, five tasks
"""
import argparse
import os

from mmmultas.testing.demo import DIGITS, SCENES, run_demo
from mmmultas.utils.console import friendly_errors


#: Name → what it is, its data, its work folder.
DEMOS = dict(
    digits=(DIGITS, 'data/digits', 'work_dirs/demo'),
    tasks=(SCENES, 'data/scenes', 'work_dirs/demo_tasks'))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write the data, train one network for all tasks and one '
        'for each, test them, print a table and draw pictures.')
    parser.add_argument(
        'name', nargs='?', choices=DEMOS, default='digits',
        help='digits: boxes and masks (default); tasks: rooms with boxes, '
        'classes, depth, normals and edges')
    parser.add_argument(
        '--data',
        help='folder of the data, made if need be (default: that of the '
        "environment's MMMULTAS_DIGITS or MMMULTAS_SCENES, else "
        'data/digits or data/scenes)')
    parser.add_argument(
        '--work-dir', help='default: work_dirs/demo or work_dirs/demo_tasks')
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
    demo, data, work_dir = DEMOS[args.name]
    data = args.data or os.environ.get(demo.variable) or data
    with friendly_errors():
        print(run_demo(data, args.work_dir or work_dir, args.updates,
                       args.jobs, demo))


if __name__ == '__main__':
    main()
