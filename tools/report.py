#!/usr/bin/env python
"""One page of what runs have found: report.py WORK_DIRS... --out report."""
import argparse

from mmmultas.report import ReportOptions, write_report
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Tables, curves and pictures of a matrix or of single '
        'trainings, as one HTML page and as Markdown.')
    parser.add_argument(
        'work_dirs', nargs='*', metavar='WORK_DIR',
        help='folder of a matrix, or of one training')
    parser.add_argument('--out', default='report', metavar='DIR')
    parser.add_argument(
        '--matrix', metavar='YAML', help='its title, note, metrics and cells '
        '(default: the file of matrices/ that the results name)')
    parser.add_argument(
        '--results', metavar='DIR',
        help='further results, without their work folders')
    parser.add_argument('--title', help='heading of the page')
    parser.add_argument(
        '--max-pictures', type=int, default=6, metavar='N',
        help='images shown with predictions')
    parser.add_argument(
        '--no-cam', action='store_true', help='leave Grad-CAM out')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    options = ReportOptions(args.matrix, args.results, args.title,
                            args.max_pictures, not args.no_cam)
    for path in write_report(args.work_dirs, args.out, options):
        print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
