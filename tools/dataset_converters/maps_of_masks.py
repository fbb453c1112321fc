#!/usr/bin/env python
"""Write edges and saliency that follow from masks of classes.

python tools/dataset_converters/maps_of_masks.py \
    VOCdevkit/VOC2012/SegmentationClassAug data/voc_maps
"""
import argparse

from mmmultas.datasets.mask_maps import write_mask_maps
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='An edge is where the class changes, and what is not '
        'background stands out; unknown pixels (255) of a mask are 127 in '
        'saliency/. Goes on where it was stopped.')
    parser.add_argument('masks', help='folder of PNGs with numbers')
    parser.add_argument('out', help='folder; gets edges/ and saliency/')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        count = write_mask_maps(args.masks, args.out, progress)
        print(f'{count} masks: {args.out}/edges and {args.out}/saliency')


if __name__ == '__main__':
    main()
