#!/usr/bin/env python
"""Tasks in their joint space: mapped_maps.py CONFIG CHECKPOINT --out DIR."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.mapped_maps import draw_mapped
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Draw what the mapping network of mmmultas.CrossTaskConsistency makes '
        'of predictions and labels, pair by pair, on validation images.')
    parser.add_argument('checkpoint', help='of that training')
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder of the pictures')
    parser.add_argument('--number', type=int, default=4, help='images')
    args = parser.parse_args()
    if args.number < 1:
        parser.error('--number is positive')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    for path in draw_mapped(cfg, args.checkpoint, args.out, args.number):
        print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
