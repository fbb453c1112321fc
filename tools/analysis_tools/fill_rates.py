#!/usr/bin/env python
"""How much of their boxes objects fill: fill_rates.py CONFIG."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.fill_rates import fill_rates
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Measure on the masks of the training streams how much of its box an '
        'object of each class fills, for `rates` of mmmultas.BoxForMask.')
    parser.add_argument(
        '--number', type=int, default=500, help='images per stream')
    args = parser.parse_args()
    if args.number < 1:
        parser.error('--number is positive')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    for table in fill_rates(cfg, args.number):
        print(table.text())


if __name__ == '__main__':
    with friendly_errors():
        main()
