#!/usr/bin/env python
"""One file that runs without PyTorch: export.py CHECKPOINT."""
import argparse

from mmmultas.apis.export import export_model
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write a model with all of its tasks into one ONNX file, '
        'and compare it with the checkpoint on pictures.')
    parser.add_argument(
        'checkpoint', help='checkpoint, or a work folder: its best one')
    parser.add_argument('--out', default='model.onnx', help='the file')
    parser.add_argument(
        '--raw',
        action='store_true',
        help='the network alone: normalised pictures of one size, any number '
        'at a time; scores and boxes of all places, raw maps')
    parser.add_argument(
        '--int8',
        metavar='FOLDER',
        help='8-bit convolutions, whose ranges are those on these pictures')
    parser.add_argument(
        '--pictures',
        metavar='FOLDER',
        help='pictures to compare on; default: those of validation')
    parser.add_argument(
        '--number', type=int, default=20, help='pictures to compare on (20)')
    parser.add_argument(
        '--score-thr', type=float, help='boxes must score more')
    parser.add_argument(
        '--dynamo',
        action='store_true',
        help="write by torch.export, PyTorch's newer way (onnxscript)")
    parser.add_argument(
        '--config', help="config file in place of the checkpoint's own")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    for line in export_model(
            args.checkpoint, args.out, raw=args.raw, int8=args.int8,
            pictures=args.pictures, number=args.number,
            score_thr=args.score_thr, config=args.config,
            dynamo=args.dynamo):
        print(line)


if __name__ == '__main__':
    with friendly_errors():
        main()
