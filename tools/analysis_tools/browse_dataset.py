#!/usr/bin/env python
"""Pictures of what training sees: browse_dataset.py CONFIG."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.browse import browse_streams
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Write a sheet of pictures with their labels per stream, '
        'after augmentation.')
    parser.add_argument(
        '--out-dir', default='work_dirs/browse', help='folder of the sheets')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument(
        '--streams', nargs='+', help='names of streams (default: all)')
    parser.add_argument(
        '--task', help='draw the labels of this task alone (default: all)')
    parser.add_argument(
        '--number', type=int, default=12, help='pictures per stream')
    parser.add_argument(
        '--start', type=int, default=0, help='first batch of training')
    parser.add_argument(
        '--columns', type=int, default=4, help='pictures per row')
    args = parser.parse_args()
    if min(args.number, args.columns) < 1 or args.start < 0:
        parser.error('--number and --columns are positive, --start is not '
                     'negative')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    for path in browse_streams(cfg, args.out_dir, args.split, args.streams,
                               args.number, args.start, args.columns,
                               args.task):
        print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
