#!/usr/bin/env python
"""Test a checkpoint: test.py CONFIG CHECKPOINT [...]."""
import argparse
from pathlib import Path

from mmengine.config import Config, DictAction

from mmmultas.utils.allocator import keep_freed_memory
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import build_runner, friendly_errors, load_config
from mmmultas.utils.precision import check_amp


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint',
        help='checkpoint, a work folder (its best one), or an exported .onnx')
    parser.add_argument('--work-dir', help='default work_dirs/<config name>')
    parser.add_argument(
        '--task', default='both', help='judge this task alone (default: all)')
    parser.add_argument('--out', metavar='FILE.json', help='write boxes')
    parser.add_argument(
        '--seg-out', metavar='DIR', help='write masks as palette PNGs')
    parser.add_argument(
        '--out-dir',
        metavar='DIR',
        help='write the predictions of every task: boxes as TASK.json, maps '
        'in TASK/')
    parser.add_argument(
        '--show-dir', metavar='DIR', help='write pictures of predictions')
    parser.add_argument(
        '--tta',
        action='store_true',
        help='join predictions with those of the mirrored images')
    parser.add_argument(
        '--amp',
        action='store_true',
        help='16-bit convolutions: faster, a little different')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def select_task(cfg: Config, task: str) -> None:
    """Keep the evaluator of one task."""
    if task in ('both', 'all'):
        return
    known = [name for name, value in cfg.test_evaluator.items() if value]
    if task not in known:
        raise ConfigError(f'--task {task!r} has no evaluator in the config: '
                          f'choose from {sorted(known)} or both (all).')
    for name in known:
        if name != task:
            cfg.test_evaluator[name] = None


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(
        Path('work_dirs') / Path(args.config).stem)
    if not Path(args.checkpoint).exists():
        raise CheckpointError(f'Checkpoint {args.checkpoint} does not exist: '
                              'check the path.')
    exported = args.checkpoint.endswith('.onnx')
    if exported and (args.tta or args.amp or args.launcher != 'none'):
        raise ConfigError('--tta, --amp and --launcher do not go with an '
                          'exported model: test its checkpoint, or leave '
                          'them out.')
    cfg.load_from = None if exported else args.checkpoint
    cfg.resume = False
    select_task(cfg, args.task)
    if args.tta:
        cfg.model.flip_test = True
    if args.amp:
        check_amp()
        cfg.test_cfg.fp16 = True
    hooks = list(cfg.get('custom_hooks') or [])
    if args.out or args.seg_out or args.out_dir:
        hooks.append(
            dict(
                type='mmmultas.PredictionHook',
                out=args.out,
                seg_out=args.seg_out,
                out_dir=args.out_dir))
    if args.show_dir:
        hooks.append(
            dict(type='mmmultas.PictureHook', show_dir=args.show_dir))
    cfg.custom_hooks = hooks
    keep_freed_memory()
    runner = build_runner(cfg, args.launcher)
    if exported:
        from mmmultas.apis.export import answer_by
        answer_by(runner, args.checkpoint)
    runner.test()


if __name__ == '__main__':
    with friendly_errors():
        main()
