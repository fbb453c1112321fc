#!/usr/bin/env python
"""Train a table of experiments: run_matrix.py matrices/NAME.yaml."""
import argparse
import sys
from pathlib import Path

from mmmultas.experiments.matrix import read_matrix
from mmmultas.experiments.matrix_run import (Launcher, cell_states, run_matrix,
                                             state_table)
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train and test every cell of a matrix that has no '
        'result yet, and go on with those that were interrupted.')
    parser.add_argument('matrix', help='YAML file (docs/experiments.md)')
    parser.add_argument('--work-dir', help='default work_dirs/<matrix>')
    parser.add_argument(
        '--results', type=Path, metavar='DIR',
        help='also keep the results here; those that are there are taken')
    parser.add_argument('--only', nargs='+', metavar='CELL')
    parser.add_argument('--seeds', nargs='+', type=int, metavar='SEED')
    parser.add_argument('--jobs', type=int, default=1, help='cells at a time')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none')
    parser.add_argument(
        '--processes', type=int, default=1,
        help='processes of a training (--launcher pytorch)')
    parser.add_argument(
        '--prefix', default='',
        help='words before each command, e.g. "srun --gres=gpu:8 --ntasks=8"')
    parser.add_argument(
        '--alone-prefix', metavar='PREFIX',
        help='words before commands of one process (masks of a cell), e.g. '
        '"srun --gres=gpu:1"; default: those of --prefix, none with Slurm')
    parser.add_argument(
        '--dry-run', action='store_true', help='say what would be run')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    matrix = read_matrix(args.matrix, args.work_dir).select(
        args.only, args.seeds)
    if args.dry_run:
        states = cell_states(matrix, args.results, matrix.fingerprints())
        print(state_table(matrix, states, args.results))
        return
    launcher = Launcher(args.launcher, args.processes, args.prefix,
                        args.alone_prefix)
    try:
        table, complete = run_matrix(matrix, args.jobs, launcher,
                                     args.results)
    except KeyboardInterrupt:
        print('\nInterrupted: the running trainings have written their '
              'checkpoints; the same command goes on from there.')
        sys.exit(130)
    print(table)
    sys.exit(0 if complete else 1)


if __name__ == '__main__':
    with friendly_errors():
        main()
