#!/usr/bin/env python
"""What a model sees in pictures: predict.py CHECKPOINT IMAGE|FOLDER|VIDEO."""
import argparse
import sys

from mmmultas.apis.inferencer import MultiTaskInferencer
from mmmultas.apis.prediction_files import predict_to_files
from mmmultas.utils.allocator import keep_freed_memory
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write what every task of a model says of pictures or a '
        'video.')
    parser.add_argument(
        'checkpoint',
        help='checkpoint, a work folder (its best one), or an exported .onnx')
    parser.add_argument(
        'input', nargs='+', help='pictures, folders of pictures, videos')
    parser.add_argument(
        '--out-dir', default='work_dirs/predict', help='folder of the files')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='boxes under this score are left out (0.3)')
    parser.add_argument(
        '--tta',
        action='store_true',
        help='join predictions with those of the mirrored pictures')
    parser.add_argument(
        '--amp',
        action='store_true',
        help='16-bit convolutions: faster, a little different')
    parser.add_argument('--device', help='cpu or cuda:0; default a GPU if any')
    parser.add_argument(
        '--config', help="config file in place of the checkpoint's own")
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='exit with 0 although pictures cannot be decoded; they are '
        'named and the others predicted on in any case')
    return parser.parse_args()


def _exported(args: argparse.Namespace) -> MultiTaskInferencer:
    """An exported file; what is fixed in it cannot be asked for.

    Raises:
        ConfigError: --tta, --amp, --device or --config.
    """
    from mmmultas.apis.export import OnnxInferencer
    for key in ('tta', 'amp', 'device', 'config'):
        if getattr(args, key):
            raise ConfigError(f'--{key} does not go with an exported model: '
                              'give its checkpoint, or leave it out.')
    return OnnxInferencer(
        args.checkpoint, batch_size=args.batch_size,
        score_thr=args.score_thr, skip_broken=True)


def main() -> None:
    args = parse_args()
    keep_freed_memory()
    if args.checkpoint.endswith('.onnx'):
        inferencer = _exported(args)
    else:
        inferencer = MultiTaskInferencer(
            args.checkpoint,
            args.device,
            args.tta,
            config=args.config,
            batch_size=args.batch_size,
            score_thr=args.score_thr,
            skip_broken=True,
            amp=args.amp)
    for path in predict_to_files(inferencer, args.input, args.out_dir):
        print(path)
    if inferencer.skipped:
        print(f'{len(inferencer.skipped)} left out:', *inferencer.skipped,
              sep='\n  ', file=sys.stderr)
        if not args.skip_broken:
            sys.exit(1)


if __name__ == '__main__':
    with friendly_errors():
        main()
