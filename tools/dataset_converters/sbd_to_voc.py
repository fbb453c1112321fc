#!/usr/bin/env python
"""Add SBD's masks to VOC2012 (SegmentationClassAug and trainaug.txt).

python tools/dataset_converters/sbd_to_voc.py benchmark_RELEASE \
    data/VOCdevkit/VOC2012
"""
import argparse

from mmmultas.datasets.sbd import convert_sbd
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.progress import progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Convert SBD masks to palette PNGs; goes on where it was '
        'stopped.')
    parser.add_argument('sbd', help="SBD's folder (with dataset/cls/*.mat)")
    parser.add_argument('voc', help='the VOC2012 folder')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with friendly_errors():
        counts = convert_sbd(args.sbd, args.voc, track=progress)
        print('\n{voc} masks of VOC, {sbd} of SBD, {kept} were there; '
              '{trainaug} ids in trainaug.txt (10582 on full data)'.format(
                  **counts))


if __name__ == '__main__':
    main()
