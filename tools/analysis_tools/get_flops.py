#!/usr/bin/env python
"""Parameters and operations of a model: get_flops.py CONFIG."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.complexity import complexity_table, model_complexity
from mmmultas.registry import MODELS
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Parameters and operations of a model, part by part.')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="side, or height and width (default: the config's img_size)")
    args = parser.parse_args()
    if args.shape and (len(args.shape) > 2 or min(args.shape) < 1):
        parser.error('--shape wants one or two positive numbers')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    shape = args.shape or [cfg.get('img_size', 320)]
    size = (shape[0], shape[-1])
    parts = model_complexity(MODELS.build(cfg.model), size)
    print(f'{args.config}, one image of {size[0]} x {size[1]} pixels')
    print(complexity_table(parts))


if __name__ == '__main__':
    with friendly_errors():
        main()
