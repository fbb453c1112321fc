"""What the benchmarks share: interleaved repetitions, ratios, reports.

Absolute times on a machine that others use say little. Variants therefore
take turns inside one run, and what is compared are medians; the clock is the
processor time of this process, which does not count others' work. On several
threads, or on a GPU, wall time is taken.
"""
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from mmmultas.utils.allocator import keep_freed_memory
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.progress import progress

ROOT = Path(__file__).resolve().parents[1]


def set_up(threads: int) -> None:
    """Fix the number of threads, keep freed memory as training does."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    keep_freed_memory()


def interleave(variants: Mapping[str, Callable[[], Any]],
               repeats: int,
               warmup: int = 1,
               what: str = '',
               wall: bool = False) -> dict[str, list[float]]:
    """Seconds of every repetition of every variant, one after the other.

    ``wall``: take wall time, for variants that start processes.
    """
    wall = (wall or torch.get_num_threads() > 1
            or torch.cuda.is_available())
    clock = time.perf_counter if wall else time.process_time
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in progress(range(warmup + repeats), what=what, unit='turn'):
        for name, run in variants.items():
            gc.collect()
            start = clock()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warmup:
                times[name].append(clock() - start)
    return times


def summarise(times: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Median and quartiles in milliseconds."""
    out = {}
    for name, values in times.items():
        quartiles = statistics.quantiles(values, n=4) if len(
            values) > 1 else [values[0]] * 3
        out[name] = dict(
            median_ms=round(1e3 * statistics.median(values), 3),
            quartiles_ms=[round(1e3 * q, 3) for q in quartiles[::2]],
            repeats=len(values))
    return out


def ratio(times: Mapping[str, Sequence[float]], over: Sequence[str],
          under: Sequence[str]) -> dict[str, float]:
    """Median and quartiles of sum(over) / sum(under), turn by turn."""
    turns = [
        sum(above) / sum(below) for above, below in zip(
            zip(*[times[name] for name in over]),
            zip(*[times[name] for name in under]))
    ]
    low, middle, high = statistics.quantiles(turns, n=4) if len(
        turns) > 1 else turns * 3
    return dict(
        median=round(middle, 3), low=round(low, 3), high=round(high, 3))


def machine() -> dict[str, Any]:
    """Where and with what a benchmark ran."""
    name = platform.processor()
    info = Path('/proc/cpuinfo')
    if info.is_file():
        models = [
            line.split(':')[1].strip() for line in info.read_text().split('\n')
            if line.startswith('model name')
        ]
        name = models[0] if models else name
    return dict(
        processor=name,
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        gpu=torch.cuda.get_device_name()
        if torch.cuda.is_available() else None,
        torch=torch.__version__,
        python=platform.python_version())


def _command() -> str:
    """How this was called, without the place of the report."""
    words = sys.argv[1:]
    if '--out' in words:
        place = words.index('--out')
        del words[place:place + 2]
    script = os.path.relpath(sys.argv[0], ROOT)
    return ' '.join(['python', script, *words])


def write_report(path: Path | None, results: Any) -> None:
    """Print the results; write them with date, commit and command."""
    commit = subprocess.run(
        ['git', 'describe', '--always', '--dirty'],
        cwd=ROOT,
        capture_output=True,
        text=True).stdout.strip()
    report = dict(
        date=time.strftime('%Y-%m-%d'),
        commit=commit,
        command=_command(),
        machine=machine(),
        results=results)
    text = json.dumps(report, indent=2)
    print(text)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            part.write_text(text + '\n')
