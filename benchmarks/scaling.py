#!/usr/bin/env python
"""Images per second of two processes against one, on the CPU.

Two gloo processes with one thread each train with DDP, as
``tools/dist_train.sh CONFIG 2`` does; in turns one of them trains alone
while the other sleeps. The batch per process is the same: 2 would be a
perfect gain.

    python benchmarks/scaling.py [--out FILE]
"""
import argparse
import socket
import statistics
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel
from timing import set_up, write_report
from train_step import Bench


def work(rank: int, args: argparse.Namespace, port: int, out: Any) -> None:
    """One of the two processes."""
    set_up(threads=1)
    MMLogger.get_instance('scaling', log_level='ERROR')
    dist.init_process_group(
        'gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    alone, joint = (Bench(args.model, args.batch) for _ in range(2))
    wrapped = MMDistributedDataParallel(
        joint.model, device_ids=None, broadcast_buffers=False)
    steps = dict(
        alone=lambda: alone.model.train_step(
            alone._copied(alone.batches), alone.optim),
        both=lambda: wrapped.train_step(
            joint._copied(joint.batches), joint.optim))
    times: dict[str, list[float]] = dict(alone=[], both=[])
    for turn in range(args.repeats + 1):
        for name, step in steps.items():
            dist.barrier()
            start = time.perf_counter()
            if name == 'both' or rank == 0:
                with _single(name == 'alone'):
                    for _ in range(args.updates):
                        step()
            if turn:
                times[name].append(time.perf_counter() - start)
    if rank == 0:
        out.put(times)
    dist.barrier()
    dist.destroy_process_group()


class _single:
    """Hide the process group, so that losses do not wait for the other."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        if self.on:
            self.kept = dist.is_initialized
            dist.is_initialized = lambda: False

    def __exit__(self, *_: Any) -> None:
        if self.on:
            dist.is_initialized = self.kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='efflite0')
    parser.add_argument('--batch', type=int, help='images of each task')
    parser.add_argument('--updates', type=int, default=4)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    out = mp.get_context('spawn').SimpleQueue()
    mp.spawn(work, (args, port, out), nprocs=2)
    times = out.get()
    torch.set_num_threads(1)
    gains = [2 * a / b for a, b in zip(times['alone'], times['both'])]
    low, middle, high = statistics.quantiles(gains, n=4)
    write_report(
        args.out,
        dict(
            model=args.model,
            updates=args.updates,
            seconds={k: [round(t, 3) for t in v]
                     for k, v in times.items()},
            gain=dict(
                median=round(middle, 3), low=round(low, 3),
                high=round(high, 3))))


if __name__ == '__main__':
    main()
