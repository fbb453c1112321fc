#!/usr/bin/env python
"""Updates of this code against those of another checkout, turn by turn.

Each side has a process of its own, and they take turns, so that what else
the machine does hits both.

    git worktree add ../before COMMIT
    python benchmarks/against.py ../before [--models ...] [--out FILE]
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from timing import ROOT, interleave, ratio, summarise, write_report
from train_step import MODELS_OF

#: Waits for a line, makes an update, says how long it took.
_WORKER = """
import gc, sys, time
root, model, form, order, threads = sys.argv[1:]
sys.path[:0] = [root, root + '/benchmarks']
import mmmultas, train_step, timing
assert mmmultas.__file__.startswith(root), mmmultas.__file__
timing.set_up(int(threads))
bench = train_step.Bench(model)
update = bench.forms()[form]
if order == 'contiguous':
    bench.model.memory_format = timing.torch.contiguous_format
    bench.model.to(memory_format=bench.model.memory_format)
clock = time.process_time if threads == '1' else time.perf_counter
print('ready', flush=True)
for _ in sys.stdin:
    gc.collect()
    start = clock()
    update()
    print(f'took {clock() - start}', flush=True)
"""


class Side:
    """One form of the update in one checkout, ready to be asked.

    Args:
        root: The checkout.
        model: A name of ``train_step.MODELS_OF``.
        form: Of ``train_step.FORMS``.
        threads: Of PyTorch.
        order: Memory order, ``'contiguous'`` or ``'default'``.
    """

    def __init__(self,
                 root: Path,
                 model: str,
                 form: str,
                 threads: int,
                 order: str = 'default') -> None:
        env = dict(os.environ, OMP_NUM_THREADS=str(threads),
                   PYTHONPATH=str(root))
        self.process: Any = subprocess.Popen(
            [sys.executable, '-W', 'ignore', '-c', _WORKER, str(root), model,
             form, order, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=root, env=env)
        self._answer('ready')

    def update(self) -> float:
        """Seconds of one update: of the processor for one thread."""
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return float(self._answer('took').split()[1])

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def _answer(self, word: str) -> str:
        for line in self.process.stdout:
            if line.startswith(word):
                answer: str = line
                return answer
        raise SystemExit(f'{self.process.args[6:]} ended before its answer.')


def measure(model: str, args: Any) -> dict[str, Any]:
    """Times of both sides, and the ratios that have goals."""
    sides = {
        'before': Side(args.before, model, 'joint', args.threads),
        'before, contiguous': Side(args.before, model, 'joint',
                                   args.threads, 'contiguous'),
        'now': Side(ROOT, model, 'joint', args.threads),
        'now, bf16': Side(ROOT, model, 'bf16', args.threads)
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    interleave(
        {
            name: lambda side=side, name=name: times[name].append(
                side.update())
            for name, side in sides.items()
        },
        args.repeats,
        what=model)
    for side in sides.values():
        side.close()
    times = {name: values[1:] for name, values in times.items()}  # warm-up
    return dict(
        times=summarise(times),
        ratios={
            f'{name} / {base}': ratio(times, [name], [base])
            for base in ('before', 'before, contiguous')
            for name in ('now', 'now, bf16')
        })


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('before', type=Path, help='the other checkout')
    parser.add_argument(
        '--models', nargs='+', default=['rn18', 'efflite0'],
        choices=list(MODELS_OF))
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    args.before = args.before.resolve()
    commit = subprocess.run(
        ['git', 'describe', '--always', '--dirty'], cwd=args.before,
        capture_output=True, text=True).stdout.strip()
    write_report(
        args.out,
        dict(before=commit, **{n: measure(n, args) for n in args.models}))


if __name__ == '__main__':
    main()
