#!/usr/bin/env python
"""Train a config: train.py CONFIG [--resume] [...]."""
import argparse
from pathlib import Path

from mmengine.config import DictAction
from mmengine.logging import print_log

from mmmultas.utils.allocator import keep_freed_memory
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import (build_runner, friendly_errors, load_config,
                                   use_amp)
from mmmultas.utils.run_files import latest_checkpoints


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='default work_dirs/<config name>')
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on a GPU, bfloat16 on a CPU')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='PATH',
        help='go on from PATH, default the newest checkpoint of work_dir')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale lr by images per update over `base_batch_size`')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config keys, for example train_cfg.max_epochs=3')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(
        Path('work_dirs') / Path(args.config).stem)
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise ConfigError('--auto-scale-lr needs the config key '
                              '`auto_scale_lr.base_batch_size`.')
        cfg.auto_scale_lr.enable = True
    if args.resume == 'auto':
        # a run that has no checkpoint yet starts from `load_from`, if any
        cfg.resume = bool(latest_checkpoints(cfg.work_dir))
        if cfg.resume:
            cfg.load_from = None
    elif args.resume is not None:
        cfg.resume = True
        cfg.load_from = args.resume
    note = keep_freed_memory()
    runner = build_runner(cfg, args.launcher)
    print_log(note, logger='current')
    runner.train()


if __name__ == '__main__':
    with friendly_errors():
        main()
