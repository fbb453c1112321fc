#!/usr/bin/env python
"""Curves of losses and metrics: analyze_logs.py LOG_OR_WORKDIR..."""
import argparse

from mmmultas.analysis.run_logs import keys_of, panels_of, read_run, summary
from mmmultas.utils.launch import friendly_errors
from mmmultas.visualization.charts import plot_panels


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Losses and validation metrics of runs, task by task; '
        'resumed runs are joined.')
    parser.add_argument(
        'runs',
        nargs='+',
        metavar='LOG_OR_WORKDIR',
        help='work folder of a run, or a vis_data/*.json')
    parser.add_argument(
        '--keys', nargs='+', help='curves, such as det.loss_cls seg/mIoU')
    parser.add_argument('--task', help='curves of this task')
    parser.add_argument('--out', metavar='PLOT.png', help='draw the curves')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    runs = [read_run(path) for path in args.runs]
    keys = list(args.keys or ())
    if args.task:
        keys += keys_of(runs, args.task)
    panels = panels_of(runs, keys)
    print(*[summary(run, keys) for run in runs], sep='\n\n')
    if args.out:
        plot_panels(panels, args.out, {
            title: 'epoch' if title.endswith('metrics') else 'update'
            for title in panels
        })
        print(args.out)


if __name__ == '__main__':
    with friendly_errors():
        main()
