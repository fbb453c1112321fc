#!/usr/bin/env python
"""Anchors that fit the boxes of training: optimize_anchors.py CONFIG."""
from argparse import Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.anchors import draw_anchors, fit_anchors
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Cluster the sizes that the boxes of the training streams have when '
        "the network sees them, by 1 - IoU; print what a head's `anchors` "
        'should be.')
    parser.add_argument(
        '--num', type=int, default=9, help='anchors, default: 9')
    parser.add_argument(
        '--per-branch',
        type=int,
        help='anchors of each branch or level, default: a third')
    parser.add_argument('--task', help='of kind boxes, if there are several')
    parser.add_argument(
        '--images', type=int, help='images per stream, default: all')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--out', default='anchors.png', help='picture, default: anchors.png')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    found = fit_anchors(cfg, args.num, args.per_branch, args.task,
                        args.images, args.seed)
    draw_anchors(found, args.out)
    print(found.text())
    print(f'picture: {args.out}')


if __name__ == '__main__':
    with friendly_errors():
        main()
