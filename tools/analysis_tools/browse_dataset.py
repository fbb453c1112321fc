#!/usr/bin/env python
"""Pictures of what training sees: browse_dataset.py CONFIG."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.browse import browse_streams
from mmmultas.analysis.targets import browse_targets
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
        '--targets', action='store_true',
        help='draw what boxes say about masks, and masks about boxes, of '
        'images of training (docs/weak_losses.md)')
    parser.add_argument(
        '--checkpoint', help='of --targets: fill boxes by its scores')
    parser.add_argument(
        '--task', help='draw the labels of this task alone (default: all)')
    parser.add_argument(
        '--number', type=int,
        help='pictures per stream (default: 12, of --targets 1)')
    parser.add_argument(
        '--start', type=int, default=0, help='first batch of training')
    parser.add_argument(
        '--columns', type=int, default=4, help='pictures per row')
    args = parser.parse_args()
    if args.checkpoint and not args.targets:
        parser.error('--checkpoint is read by --targets alone')
    if args.targets and (args.task or args.split != 'train'):
        parser.error('--targets are those of training and of both tasks: '
                     'leave --split and --task out')
    if args.number is None:
        args.number = 1 if args.targets else 12
    if min(args.number, args.columns) < 1 or args.start < 0:
        parser.error('--number and --columns are positive, --start is not '
                     'negative')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    if args.targets:
        for path in browse_targets(cfg, args.out_dir, args.streams,
                                   args.number, args.start, args.checkpoint):
            print(path)
        return
    for path in browse_streams(cfg, args.out_dir, args.split, args.streams,
                               args.number, args.start, args.columns,
                               args.task):
        print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
