#!/usr/bin/env python
"""Which class is taken for which: confusion_matrix.py CONFIG PREDICTIONS."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.saved_predictions import (CONFUSED, SavedPredictions,
                                                 confusion_of, fitting_task,
                                                 fitting_tasks,
                                                 write_confusion)
from mmmultas.structures import BOXES
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Confusion matrices of boxes and of pixels, as picture and JSON.')
    parser.add_argument(
        'predictions',
        nargs='+',
        help='file of `test.py --out`, folder of `test.py --seg-out`, or '
        'both; folder of --out-dir')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder')
    parser.add_argument(
        '--task', help='a task of boxes or classes (default: all of them)')
    parser.add_argument(
        '--score-thr', type=float, default=0.3,
        help='boxes under this score are left out (0.3)')
    parser.add_argument(
        '--iou-thr', type=float, default=0.5,
        help='boxes must overlap by more than this to match (0.5)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    predictions = SavedPredictions(args.predictions)
    tasks = fitting_tasks(cfg, predictions, CONFUSED)
    if args.task or not tasks:
        tasks = [fitting_task(cfg, predictions, args.task, CONFUSED)]
    for task in tasks:
        confusion = confusion_of(cfg, predictions, task, args.score_thr,
                                 args.iou_thr)
        limits = dict(score_thr=args.score_thr, iou_thr=args.iou_thr)
        for path in write_confusion(confusion, args.out,
                                    **(limits if confusion.kind == BOXES
                                       else {})):
            print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
