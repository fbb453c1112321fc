#!/usr/bin/env python
"""A config for own data: new_project.py --det BOXES --seg MASKS --out FILE."""
import sys
from argparse import ArgumentParser, Namespace

from mmmultas.projects.config_template import model_names
from mmmultas.projects.data_check import check_data
from mmmultas.projects.data_report import report_text
from mmmultas.projects.new_project import Source, new_project, project_text
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = ArgumentParser(
        description='Look at boxes and masks, write a config that trains on '
        'them, and check the data.')
    parser.add_argument(
        '--det',
        required=True,
        metavar='BOXES',
        help='COCO json, folder of VOC XMLs, or a VOCdevkit')
    parser.add_argument(
        '--det-images', metavar='DIR', help='images of the boxes')
    parser.add_argument(
        '--seg',
        required=True,
        metavar='MASKS',
        help='folder of mask PNGs (numbers or colours), or a VOCdevkit')
    parser.add_argument(
        '--seg-images', metavar='DIR', help='images of the masks')
    for task, what in (('det', 'boxes'), ('seg', 'masks')):
        parser.add_argument(
            f'--val-{task}',
            metavar=what.upper(),
            help=f'{what} of validation (default: a fifth is held out)')
        parser.add_argument(
            f'--val-{task}-images', metavar='DIR', help='their images')
    parser.add_argument(
        '--seg-classes',
        nargs='+',
        metavar='NAME',
        help='names of the mask values, ascending, with the background')
    parser.add_argument(
        '--model',
        default='rn50_pafpn',
        choices=model_names(),
        help='network (default rn50_pafpn)')
    parser.add_argument(
        '--out', required=True, metavar='FILE.py', help='config to write')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    det = Source(args.det, args.det_images, args.val_det, args.val_det_images)
    seg = Source(args.seg, args.seg_images, args.val_seg, args.val_seg_images)
    project = new_project(det, seg, args.out, args.seg_classes, args.model)
    print(project_text(project), flush=True)
    report = check_data(load_config(args.out), num_workers=2)
    print(f'\n{report_text(report)}')
    return int(bool(report.problems))


if __name__ == '__main__':
    with friendly_errors():
        sys.exit(main())
