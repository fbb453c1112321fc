#!/usr/bin/env python
"""Masks out of image classes, by CAM or ReCAM.

python tools/dataset_converters/make_pseudo_masks.py CONFIG CHECKPOINT \
    --out data/recam
"""
from argparse import ArgumentParser, Namespace

from mmengine.registry import init_default_scope

from mmmultas.apis.pseudo_masks import SeedOptions, write_pseudo_masks
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config
from mmmultas.utils.progress import progress


def parse_args() -> Namespace:
    parser = config_parser(
        'Write the masks that a classifier of configs/cam/ sees on the images '
        'of a training stream of boxes (docs/weak_losses.md).')
    parser.add_argument('checkpoint', help='file, or folder of the run')
    parser.add_argument('--out', required=True, help='folder of the masks')
    parser.add_argument(
        '--stream', default='det', help='training stream with boxes')
    parser.add_argument(
        '--threshold', type=float,
        help='share of a map below which is background (default: the '
        "head's, 0.21)")
    parser.add_argument(
        '--uncertain', type=float, nargs=2, metavar=('LOW', 'HIGH'),
        help='background below LOW, objects above HIGH, ignored between')
    parser.add_argument(
        '--boxes', action='store_true',
        help='maps end at the boxes of their class')
    parser.add_argument(
        '--scales', type=float, nargs='+', default=[1.0, 0.5, 1.5, 2.0])
    parser.add_argument(
        '--judge', default='val_dataloader.val', metavar='KEY',
        help='stream with masks on which these are judged (default: '
        '%(default)s), or none')
    parser.add_argument(
        '--number', type=int, default=200, help='images that are judged')
    parser.add_argument('--device', help='for example cuda:0')
    args = parser.parse_args()
    _check(parser, args)
    return args


def _check(parser: ArgumentParser, args: Namespace) -> None:
    if args.threshold is not None and args.uncertain:
        parser.error('--uncertain takes the place of --threshold')
    shares = [args.threshold or 0.5, *(args.uncertain or ())]
    if not all(0 < share < 1 for share in shares) or (
            args.uncertain and args.uncertain[0] > args.uncertain[1]):
        parser.error('--threshold and --uncertain lie between 0 and 1, the '
                     'lower one first')
    if args.threshold == 0:
        parser.error('--threshold is above 0')
    if min(args.scales) <= 0 or args.number < 1:
        parser.error('--scales and --number are positive')


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    options = SeedOptions(
        args.threshold, tuple(args.uncertain) if args.uncertain else None,
        args.boxes, tuple(args.scales))
    found, quality = write_pseudo_masks(
        cfg, args.checkpoint, args.out, args.stream, options,
        None if args.judge == 'none' else args.judge, args.number,
        args.device, progress)
    print(found.text(args.out))
    if quality is not None:
        print(quality.text())


if __name__ == '__main__':
    with friendly_errors():
        main()
