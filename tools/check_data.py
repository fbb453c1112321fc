#!/usr/bin/env python
"""Is anything wrong with the data? check_data.py CONFIG."""
import json
import sys
from argparse import Namespace
from pathlib import Path

from mmmultas.projects.data_check import check_data
from mmmultas.projects.data_report import report_json, report_text
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Look at every file of every stream and list all problems; the exit '
        'code is 1 if there are any.')
    parser.add_argument(
        '--out', metavar='FILE.json', help='write the report as json')
    parser.add_argument(
        '--num-workers', type=int, default=2, help='processes (default 2)')
    parser.add_argument(
        '--all',
        action='store_true',
        help='list every problem, and boxes and pixels of every class')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    report = check_data(cfg, args.num_workers)
    print(report_text(report, args.all))
    if args.out:
        Path(args.out).write_text(
            json.dumps(report_json(report), indent=1, ensure_ascii=False))
    return int(bool(report.problems))


if __name__ == '__main__':
    with friendly_errors():
        sys.exit(main())
