#!/usr/bin/env python
"""A config for own data: new_project.py --det BOXES --seg MASKS --out FILE."""
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.registry import init_default_scope

from mmmultas.analysis.browse import browse_streams
from mmmultas.datasets.problems import ERROR
from mmmultas.projects.config_template import model_names
from mmmultas.projects.data_check import check_data
from mmmultas.projects.data_report import report_text
from mmmultas.projects.labels import Label, parse_labels
from mmmultas.projects.new_project import Source, new_project
from mmmultas.projects.next_step import next_step
from mmmultas.projects.readers import readable
from mmmultas.structures import KINDS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import friendly_errors, load_config
from mmmultas.utils.quiet import import_stock


def parse_args() -> Namespace:
    parser = ArgumentParser(
        description='Look at boxes, masks and further labels, write a config '
        'that trains on them, and check the data.',
        epilog=f'boxes: {readable("det")}. masks: {readable("seg")}.')
    _add_sources(parser)
    _add_labels(parser)
    parser.add_argument(
        '--seg-classes',
        nargs='+',
        metavar='NAME',
        help='names of the mask values, ascending, with the background; or '
        'name=value, with a number, a range 0-127 or a colour #rrggbb')
    parser.add_argument(
        '--ignore',
        nargs='+',
        metavar='VALUE',
        help='mask values that take no part (default 255)')
    parser.add_argument(
        '--mask-suffix',
        metavar='END',
        help="end of the masks' names, such as _labelIds.png")
    parser.add_argument(
        '--model',
        choices=model_names(),
        help='network (default: efflite0_fpn where there is no GPU, else '
        'rn50_pafpn)')
    parser.add_argument(
        '--all',
        action='store_true',
        help='list every problem, and boxes and pixels of every class')
    parser.add_argument(
        '--out', required=True, metavar='FILE.py', help='config to write')
    return parser.parse_args()


def _add_sources(parser: ArgumentParser) -> None:
    for task, what in (('det', 'boxes'), ('seg', 'masks')):
        parser.add_argument(
            f'--{task}', metavar=what.upper(), help=f'where the {what} are')
        parser.add_argument(
            f'--{task}-images', metavar='DIR', help=f'images of the {what}')
        parser.add_argument(
            f'--val-{task}',
            metavar=what.upper(),
            help=f'{what} of validation (default: a folder val beside train, '
            'a list, or a fifth that is held out)')
        parser.add_argument(
            f'--val-{task}-images', metavar='DIR', help='their images')


def _add_labels(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--label',
        action='append',
        default=[],
        metavar='NAME=KIND:PATH',
        help=f'a further label: a folder of maps, or boxes; kinds: '
        f'{", ".join(KINDS)}. A name that is a kind needs no KIND')
    parser.add_argument(
        '--images', metavar='DIR', help='images of all further labels')
    parser.add_argument(
        '--label-classes',
        nargs='+',
        action='append',
        default=[],
        metavar=('NAME', 'CLASS'),
        help='of a label of kind classes the names of its values, as '
        '--seg-classes has them: parts background arm leg')
    for option, example, what in (
        ('label-images', 'DIR', 'its images, where they lie elsewhere'),
        ('scale', '0.001', 'of depth in whole numbers what one step is'),
        ('unit', 'm', 'of depth, for tables and pictures'),
        ('label-ignore', 'VALUE', 'values that take no part, with commas'),
        ('label-suffix', 'END', "end of its files' names"),
        ('val-label', 'PATH', 'it for validation (default: as for --val-det)'),
        ('val-label-images', 'DIR', 'images of that')):
        parser.add_argument(
            f'--{option}',
            action='append',
            default=[],
            metavar=f'NAME={example}',
            help=what)


def labels_of(args: Namespace) -> list[Label]:
    """What the options of further labels name."""
    if args.images and not args.label:
        raise ConfigError('--images are those of further labels: name them '
                          'with --label, or say --det-images, --seg-images.')
    return parse_labels(
        args.label,
        args.images,
        {
            'images': args.label_images,
            'scale': args.scale,
            'unit': args.unit,
            'ignore': args.label_ignore,
            'suffix': args.label_suffix,
            'val': args.val_label,
            'val-images': args.val_label_images
        }, args.label_classes)


def source_of(args: Namespace, task: str) -> Source | None:
    """What the options of a task name."""
    options = vars(args)
    others = (f'{task}_images', f'val_{task}', f'val_{task}_images')
    if options[task] is None:
        for name in others:
            if options[name] is not None:
                raise ConfigError(f'--{name.replace("_", "-")} needs '
                                  f'--{task}: the labels of training.')
        return None
    return Source(options[task], *(options[name] for name in others))


def main() -> int:
    args = parse_args()
    import_stock()
    project = new_project(
        source_of(args, 'det'),
        source_of(args, 'seg'),
        args.out,
        args.seg_classes,
        args.model,
        ignore=args.ignore,
        mask_suffix=args.mask_suffix,
        labels=labels_of(args))
    report = check_data(load_config(args.out), num_workers=2)
    report.between[:0] = project.problems
    report.facts += project.facts
    print(report_text(report, args.all))
    if all(problem.severity != ERROR for problem in report.problems):
        print(f'\n{pictures(args.out)}')
    print(f'\n{next_step(project, report.problems, sys.argv[1:])}')
    return int(bool(report.problems))


def pictures(out: str) -> str:
    """A sheet of each stream, and what to look for."""
    cfg = load_config(out)
    init_default_scope(cfg.default_scope)
    folder = f'{Path(out).with_suffix("")}_pictures'
    sheets = browse_streams(cfg, folder, number=8)
    return ('Pictures, with their labels as the network is shown them:\n' +
            '\n'.join(f'  {sheet}' for sheet in sheets))


if __name__ == '__main__':
    with friendly_errors():
        sys.exit(main())
