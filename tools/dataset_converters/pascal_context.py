#!/usr/bin/env python
"""Write PASCAL-Context's regions, parts, edges and normals as PNGs.

python tools/dataset_converters/pascal_context.py data/PASCAL_MT \
    data/pascal_context --normal-classes shared_classes.txt
"""
import argparse
from pathlib import Path

from mmmultas.datasets.pascal_context import convert_context
from mmmultas.evaluation.boundaries import thin
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Prepare PASCAL-Context in the layout of ASTMT '
        '(docs/data.md); goes on where it was stopped.')
    parser.add_argument('root', help='folder PASCAL_MT')
    parser.add_argument('out', nargs='?', default='data/pascal_context')
    parser.add_argument(
        '--normal-classes',
        metavar='FILE',
        help='names of the regions where normals hold, one a line: those '
        'that PASCAL-Context shares with NYU; without it there are none')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        classes = None
        if args.normal_classes:
            path = Path(args.normal_classes)
            if not path.is_file():
                raise DataError(f'{path} does not exist: check the path.')
            classes = [line.strip() for line in path.read_text().splitlines()
                       if line.strip()]
        counts = convert_context(args.root, args.out, thin, classes, progress)
        print(f'{counts["train"]} images of train and {counts["val"]} of val '
              f'are in {args.out}, {counts["persons"]} show a person; the '
              'whole data set has 4998 and 5105')
        if classes is None:
            print('Normals were not written: which regions have some is a '
                  'list of names that the data set does not come with '
                  '(--normal-classes FILE); take them out of `tasks`.')


if __name__ == '__main__':
    main()
