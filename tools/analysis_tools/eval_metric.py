#!/usr/bin/env python
"""Metrics of saved predictions: eval_metric.py CONFIG PREDICTIONS..."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.saved_predictions import (SavedPredictions,
                                                 evaluate_saved)
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Compute the metrics of a test again from what it wrote.')
    parser.add_argument(
        'predictions',
        nargs='+',
        help='file of `test.py --out`, folder of `test.py --seg-out`, or '
        'both; folder of --out-dir')
    parser.add_argument(
        '--task', action='append', help='judge this one (default: all)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    scores = evaluate_saved(
        cfg, SavedPredictions(args.predictions), args.task)
    for name, value in scores.items():
        print(f'{name}: {value:.4f}')


if __name__ == '__main__':
    with friendly_errors():
        main()
