#!/usr/bin/env python
"""Images per second of a model or of its data: benchmark.py CONFIG."""
from argparse import ArgumentParser, Namespace

from mmengine.registry import init_default_scope

from mmmultas.analysis.benchmark import (benchmark_loader, benchmark_model,
                                         fused)
from mmmultas.apis.saved_model import choose_device
from mmmultas.registry import MODELS
from mmmultas.utils.allocator import keep_freed_memory
from mmmultas.utils.arguments import config_parser
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser: ArgumentParser = config_parser(
        'Images per second of prediction, or of loading data.')
    parser.add_argument('--checkpoint', help='weights; default: random ones')
    parser.add_argument(
        '--task', choices=['inference', 'dataloader'], default='inference')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="side, or height and width (default: the config's img_size)")
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--device', help='cpu or cuda:0; default a GPU if any')
    parser.add_argument(
        '--fuse-conv-bn',
        action='store_true',
        help='fold batch norm into convolutions')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument(
        '--streams', nargs='+', help='streams to load (default: all)')
    parser.add_argument(
        '--batches', type=int, default=20, help='batches per repeat')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument(
        '--warmup', type=int, default=5, help='batches before, not timed')
    args = parser.parse_args()
    if args.shape and (len(args.shape) > 2 or min(args.shape) < 1):
        parser.error('--shape wants one or two positive numbers')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    print(keep_freed_memory())
    counts = (args.batches, args.repeats, args.warmup)
    if args.task == 'dataloader':
        loaders = cfg.get(f'{args.split}_dataloader') or {}
        for name in args.streams or [k for k, v in loaders.items() if v]:
            speed = benchmark_loader(cfg, args.split, name, *counts)
            print(f'{args.split} {name}: {speed}')
        return
    shape = args.shape or [cfg.get('img_size', 320)]
    size = (shape[0], shape[-1])
    model = MODELS.build(cfg.model).to(choose_device(args.device))
    if args.checkpoint:
        load_weights(model, load_file(args.checkpoint), args.checkpoint)
    if args.fuse_conv_bn:
        model = fused(model, size)
    speed = benchmark_model(model, size, args.batch_size, *counts)
    print(f'inference, {size[0]} x {size[1]} pixels, batches of '
          f'{args.batch_size}: {speed}')


if __name__ == '__main__':
    with friendly_errors():
        main()
