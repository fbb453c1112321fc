#!/usr/bin/env python
"""Joint against single-task training on the small real data.

Trains ``efflite0_fpn_{mtl,det,seg}_voc-mini.py`` one after another with the
same number of updates per task, tests the last checkpoint of each on the
validation images and writes figures, times and peak memory.

    MMMULTAS_DATA=DATA python benchmarks/voc_mini.py --out results.json

``DATA`` holds ``VOCdevkit/VOC2012``. About 45 minutes on two cores.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from mmmultas.utils.checkpoint import atomic_path

ROOT = Path(__file__).resolve().parents[1]
METRICS = ('det/AP50_min20', 'det/mAP_min20', 'seg/mIoU_subset', 'det/AP50',
           'det/mAP', 'seg/mIoU')


def run(command: list[str]) -> tuple[float, float]:
    """Run to the end; return seconds and peak memory (MB, all processes).

    Memory is the sum of unshared memory, polled once a second.
    """
    start = time.time()
    process = psutil.Popen(command, cwd=ROOT)
    peak = 0.0
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            used = sum(p.memory_full_info().uss for p in family)
            peak = max(peak, used / 2**20)
        except psutil.Error:
            pass
        time.sleep(1)
    if process.returncode:
        raise SystemExit(f'{" ".join(command)} failed.')
    return time.time() - start, peak


def measure(method: str, folder: Path, options: list[str]) -> dict[str, Any]:
    """Train and test one config."""
    config = f'configs/multas/efflite0_fpn_{method}_voc-mini.py'
    work_dir = folder / method
    extra = ['--cfg-options', *options] if options else []
    seconds, memory = run([
        sys.executable, 'tools/train.py', config, '--work-dir',
        str(work_dir), *extra
    ])
    last = (work_dir / 'last_checkpoint').read_text()
    out = work_dir / 'boxes.json'
    test_seconds, _ = run([
        sys.executable, 'tools/test.py', config, last, '--work-dir',
        str(work_dir), '--out',
        str(out)
    ])
    metrics = json.loads(out.read_text())['metrics']
    return dict(
        method=method,
        config=config,
        train_minutes=round(seconds / 60, 2),
        test_seconds=round(test_seconds, 1),
        peak_memory_mb=round(memory),
        **{k: round(metrics[k], 2)
           for k in METRICS if k in metrics})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--work-dir', type=Path, default='work_dirs/voc-mini')
    parser.add_argument('--methods', nargs='+', default=['mtl', 'det', 'seg'])
    parser.add_argument('--cfg-options', nargs='+', default=[])
    args = parser.parse_args()
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'],
                            cwd=ROOT,
                            capture_output=True,
                            text=True).stdout.strip()
    report = dict(
        date=time.strftime('%Y-%m-%d'),
        commit=commit,
        cores=os.cpu_count(),
        options=args.cfg_options,
        runs=[])
    for method in args.methods:
        report['runs'].append(
            measure(method, args.work_dir.resolve(), args.cfg_options))
        with atomic_path(args.out) as part:
            part.write_text(json.dumps(report, indent=2) + '\n')
        print(json.dumps(report['runs'][-1], indent=2))


if __name__ == '__main__':
    main()
