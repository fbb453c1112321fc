#!/usr/bin/env python
"""One multi-task update, in its forms, against what it replaces.

    joint        one forward of both streams, one backward, one step
    bf16         the same with convolutions in bfloat16 (tools/train.py --amp
                 on a CPU)
    fused        the same, both streams through the encoder together
    sequential   a backward per stream, one step
    det, seg     two updates of one task each, same network and batches
    both heads   every head runs on every batch and what is not labelled is
                 multiplied by zero: the plain way (as the papers' code)
    plain head   'both heads' without our low-resolution refine convolution

Times take turns in one process; peak memory is that of a process of its own
per form, above what it held before the update.

    python benchmarks/train_step.py [--models ...] [--out FILE]
"""
import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.engine.optim import BFloat16OptimWrapper
from mmmultas.models.necks import ConvBlock
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch

MODELS_OF = dict(
    rn18=('rn18_fpn_mtl', 320, 2),
    rn18_no_refine=('rn18_fpn_mtl_no-refine', 320, 2),
    efflite0=('efflite0_fpn_mtl_voc-mini', 224, 8))
FORMS = ('joint', 'bf16', 'fused', 'sequential', 'det', 'seg',
         'both heads', 'plain head')


class Bench:
    """A model, its batches and one update of every form."""

    def __init__(self, name: str, batch: int | None = None) -> None:
        config, size, count = MODELS_OF[name]
        cfg = Config.fromfile(ROOT / f'configs/multas/{config}.py')
        cfg.model.backbone.init_cfg = None
        init_default_scope('mmdet')
        torch.manual_seed(0)
        self.model = MODELS.build(cfg.model).train()
        if torch.cuda.is_available():
            self.model.cuda()
        self.optim = OptimWrapper(
            torch.optim.SGD(
                self.model.parameters(), lr=1e-4, momentum=0.9))
        self.low = BFloat16OptimWrapper(
            optimizer=self.optim.optimizer, force=True)
        self.count = batch or count
        self.batches = {
            task: toy_batch((task, ), self.count, size, seed)
            for seed, task in enumerate(('det', 'seg'))
        }

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update (of ``det`` or ``seg``: of that task)."""
        return dict(
            zip(FORMS, [
                lambda: self.step(),
                lambda: self.step(optim=self.low),
                lambda: self.step(fuse_batches=True),
                lambda: self.step(sequential=True),
                lambda: self.step(only='det'),
                lambda: self.step(only='seg'),
                self.both_heads,
                self.plain_head,
            ]))

    def step(self,
             only: str | None = None,
             optim: OptimWrapper | None = None,
             **switches: bool) -> Any:
        """One update through ``train_step``."""
        for key in ('fuse_batches', 'sequential'):
            setattr(self.model, key, switches.get(key, False))
        batches = self.batches if only is None else {
            only: self.batches[only]
        }
        return self.model.train_step(self._copied(batches),
                                     optim or self.optim)

    def both_heads(self) -> None:
        """Every head on every batch; zero times what has no label."""
        model = self.model
        data = model.data_preprocessor(self._copied(self.batches), True)
        feats = {k: model.encode(x) for k, x in data['inputs'].items()}
        unlabelled = dict(det='seg', seg='det')
        wasted = 0.0
        for stream, other in unlabelled.items():
            outputs = model.tasks[other].forward(
                model.heads[other], feats[stream])
            wasted = wasted + 0 * sum(x.sum() for x in _tensors(outputs))
        # the losses of what is labelled, on the features at hand
        encode = iter(feats.values())
        model.encode, kept = lambda _: next(encode), model.encode
        try:
            losses = model(**data, mode='loss')
        finally:
            model.encode = kept
        loss, _ = model.parse_losses(losses)
        self.optim.update_params(loss + wasted)

    def plain_head(self) -> None:
        """:meth:`both_heads`, upsampling before the convolution."""
        fast = ConvBlock.forward_upsampled
        ConvBlock.forward_upsampled = _upsample_first  # type: ignore
        try:
            self.both_heads()
        finally:
            ConvBlock.forward_upsampled = fast  # type: ignore

    @staticmethod
    def _copied(batches: dict[str, Any]) -> dict[str, Any]:
        """The preprocessor writes into samples."""
        return {
            name: dict(
                inputs=batch['inputs'],
                data_samples=[s.clone() for s in batch['data_samples']])
            for name, batch in batches.items()
        }


def _upsample_first(self: Any, x: torch.Tensor, factor: int) -> torch.Tensor:
    big: torch.Tensor = torch.nn.functional.interpolate(
        x, scale_factor=factor)
    return self(big)


def _tensors(outputs: Any) -> list[torch.Tensor]:
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [t for part in outputs for t in _tensors(part)]


def peak_memory(name: str, form: str, batch: int | None) -> float:
    """Megabytes that an update of one form adds, in a fresh process."""
    command = [sys.executable, '-W', 'ignore', __file__, '--memory', name,
               form]
    if batch:
        command += ['--batch', str(batch)]
    # every freed tensor goes back to the system, or the peak would hide in
    # memory that the update before has left behind
    env = dict(os.environ, MALLOC_MMAP_THRESHOLD_='65536',
               MALLOC_TRIM_THRESHOLD_='65536')
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, env=env)
    return float(json.loads(out.stdout.splitlines()[-1]))


def print_memory(name: str, form: str, batch: int | None) -> None:
    """The other end of :func:`peak_memory`."""
    update = Bench(name, batch).forms()[form]
    update()  # gradients and momentum are there from now on
    if torch.cuda.is_available():
        before = torch.cuda.memory_allocated() / 2**20
        torch.cuda.reset_peak_memory_stats()
        update()
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        before = _resident('VmRSS')
        Path('/proc/self/clear_refs').write_text('5')  # forget the peak
        update()
        peak = _resident('VmHWM')
    print(peak - before)


def _resident(field: str) -> float:
    """Resident memory of this process in megabytes (Linux)."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f'/proc/self/status has no {field}')


def measure(name: str, args: Any) -> dict[str, Any]:
    """Times, memory and the ratios that have goals."""
    bench = Bench(name, args.batch)
    times = interleave(bench.forms(), args.repeats, what=name)
    memory = {
        form: round(peak_memory(name, form, args.batch))
        for form in ('joint', 'bf16', 'fused', 'sequential', 'both heads')
    }
    pair = ['det', 'seg']
    return dict(
        images_per_task=bench.count,
        times=summarise(times),
        memory_mb=memory,
        bf16_over_joint=ratio(times, ['bf16'], ['joint']),
        joint_over_pair=ratio(times, ['joint'], pair),
        fused_over_pair=ratio(times, ['fused'], pair),
        fused_over_joint=ratio(times, ['fused'], ['joint']),
        sequential_over_pair=ratio(times, ['sequential'], pair),
        joint_over_both_heads=ratio(times, ['joint'], ['both heads']),
        joint_over_plain_head=ratio(times, ['joint'], ['plain head']),
        sequential_memory=round(memory['sequential'] / memory['joint'], 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--models', nargs='+', default=list(MODELS_OF))
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, help='images of each task')
    parser.add_argument('--memory', nargs=2, help=argparse.SUPPRESS)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('train_step', log_level='ERROR')
    if args.memory:
        torch.set_num_threads(args.threads)
        print_memory(*args.memory, args.batch)
        return
    set_up(args.threads)
    write_report(args.out, {n: measure(n, args) for n in args.models})


if __name__ == '__main__':
    main()
