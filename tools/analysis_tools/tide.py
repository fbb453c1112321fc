#!/usr/bin/env python
"""What kinds of mistakes cost AP: tide.py PREDICTIONS [--config CONFIG]."""
import argparse

from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from mmmultas.analysis.error_analysis import (errors_of, names_of, plot_errors,
                                              write_errors)
from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.evaluation.tide import tide_table
from mmmultas.utils.launch import friendly_errors, load_config
from mmmultas.utils.run_files import config_beside


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='TIDE error analysis of detection: how much AP each '
        'kind of mistake costs.')
    parser.add_argument(
        'predictions',
        nargs='+',
        help='file of `test.py --out`, or folder of --out-dir; several are '
        'compared')
    parser.add_argument(
        '--task', help='a task of boxes (default: the only one)')
    parser.add_argument(
        '--config',
        help='config of the test data (default: the one beside the file)')
    parser.add_argument(
        '--iou-thr', type=float, default=0.5,
        help='IoU from which on a box is right (0.5)')
    parser.add_argument('--out', metavar='FILE.json', help='write the errors')
    parser.add_argument('--plot', metavar='FILE.png', help='draw them')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results = {}
    for name, path in zip(names_of(args.predictions), args.predictions):
        predictions = SavedPredictions([path])
        if args.config is None:
            cfg = config_beside(path, args.cfg_options)
        else:
            cfg = load_config(args.config, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        results[name] = errors_of(cfg, predictions, args.iou_thr, args.task)
    print(tide_table(results))
    if args.out:
        write_errors(results, args.out)
        print(args.out)
    if args.plot:
        plot_errors(results, args.plot)
        print(args.plot)


if __name__ == '__main__':
    with friendly_errors():
        main()
