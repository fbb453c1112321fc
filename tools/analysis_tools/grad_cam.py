#!/usr/bin/env python
"""Where scores come from: grad_cam.py IMAGES --model FILE --layer NAME."""
import argparse

from mmmultas.analysis.grad_cam_pictures import CamFigure, write_cams
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Where in a picture the score of a box, or of the pixels '
        'of a class, comes from; several models side by side.')
    parser.add_argument(
        'images', nargs='+', help='pictures or folders of them')
    parser.add_argument(
        '--model', nargs='+', action='extend', required=True,
        metavar='CHECKPOINT', help='one or more checkpoints')
    parser.add_argument(
        '--title', nargs='+', action='extend', help='names of the models')
    parser.add_argument(
        '--layer', required=True,
        help='dotted path in the model, such as neck or backbone.layer4')
    parser.add_argument(
        '--level', type=int,
        help='which output of a layer with several, from 0 (default: all, '
        'added)')
    parser.add_argument(
        '--task', help='name of a task (default: all of the models)')
    parser.add_argument(
        '--class', dest='name', help='default: the most certain box, the '
        'class of the most pixels')
    parser.add_argument(
        '--box', type=int, default=1, metavar='N',
        help='the N-th best box, from 1')
    parser.add_argument(
        '--region', type=float, nargs=4, metavar=('X1', 'Y1', 'X2', 'Y2'),
        help='the box that overlaps it most; all of its pixels')
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder of the pictures')
    parser.add_argument('--config', help='config of all models')
    parser.add_argument('--device', help='cpu or cuda:0; default a GPU if any')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    figure = CamFigure(
        args.layer,
        args.level,
        None if args.task is None else (args.task, ),
        args.name,
        args.box,
        None if args.region is None else tuple(args.region))
    for path in write_cams(args.images, args.model, figure, args.out,
                           args.title, args.device, args.config):
        print(path)


if __name__ == '__main__':
    with friendly_errors():
        main()
