#!/usr/bin/env python
"""Masks out of boxes, by GrabCut.

python tools/dataset_converters/make_box_masks.py CONFIG --out data/grabcut
"""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.datasets.box_masks import write_box_masks
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config
from mmmultas.utils.progress import progress


def parse_args() -> Namespace:
    parser = config_parser(
        'Cut the objects out of the boxes of a training stream and write '
        'masks (docs/weak_losses.md).')
    parser.add_argument('--out', required=True, help='folder of the masks')
    parser.add_argument(
        '--stream', default='det', help='training stream with boxes')
    parser.add_argument('--iterations', type=int, default=5)
    args = parser.parse_args()
    if args.iterations < 1:
        parser.error('--iterations is positive')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    found = write_box_masks(cfg, args.out, args.stream, args.iterations,
                            progress)
    print(found.text(args.out))


if __name__ == '__main__':
    with friendly_errors():
        main()
