#!/usr/bin/env python
"""Several models side by side: compare_models.py CONFIG --model T=FILE ..."""
from argparse import Namespace
from pathlib import Path

import cv2
from mmengine.registry import init_default_scope

from mmmultas.analysis.browse import contact_sheet
from mmmultas.analysis.comparison import compare_models
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser(
        'Draw validation images, their labels and what models say of them, '
        'with the scores of each image in the titles.')
    parser.add_argument(
        '--model', nargs='+', action='extend', required=True,
        metavar='TITLE=CHECKPOINT', help='one or more')
    parser.add_argument(
        '--out', required=True, type=Path, help='picture to write')
    parser.add_argument('--number', type=int, default=4, help='images')
    args = parser.parse_args()
    wrong = [text for text in args.model if not all(text.partition('='))]
    if wrong:
        parser.error(f'--model wants TITLE=CHECKPOINT, not {wrong[0]!r}')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    models = {title: [file] for title, _, file in (
        text.partition('=') for text in args.model)}
    pictures = compare_models(cfg, models, args.number, scores=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.out), contact_sheet(pictures, 1)[..., ::-1])
    print(args.out)


if __name__ == '__main__':
    with friendly_errors():
        main()
