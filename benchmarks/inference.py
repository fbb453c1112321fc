#!/usr/bin/env python
"""The joint model against the pair of single-task models.

The pair runs as trained: one network after the other on the same image. The
joint model runs as trained, with batch norm folded and channels_last (exact
to 1e-5), the same in bfloat16 (``--amp`` of the tools on a CPU), and compiled
where that works.

    python benchmarks/inference.py [--models ...] [--compile] [--out FILE]
"""
import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.analysis.benchmark import fused
from mmmultas.registry import MODELS

CONFIGS = dict(
    rn18=('rn18_fpn_{}', 320),
    rn18_no_refine=('rn18_fpn_{}', 320),
    efflite0=('efflite0_fpn_{}_voc-mini', 224))


def build(name: str, method: str) -> Any:
    """A network with random weights and lively batch-norm statistics."""
    pattern, size = CONFIGS[name]
    cfg = Config.fromfile(
        ROOT / f'configs/multas/{pattern.format(method)}.py')
    cfg.model.backbone.init_cfg = None
    cfg.model.channels_last = False
    if name.endswith('no_refine') and method != 'det':
        cfg.model.heads.seg.num_refine_convs = 0
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for norm in model.modules():
        if hasattr(norm, 'running_mean'):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
    model.eval()
    return model.cuda() if torch.cuda.is_available() else model


def forward(model: Any,
            images: torch.Tensor,
            low: bool = False) -> Callable[[], Any]:
    """Encoder and heads, the raw outputs; ``low``: in bfloat16."""

    def run() -> Any:
        with torch.inference_mode(), torch.autocast(
                images.device.type, torch.bfloat16, enabled=low):
            return model(images)

    return run


def leaves(outputs: Any) -> list[torch.Tensor]:
    """All tensors of nested outputs."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    return [leaf for part in parts for leaf in leaves(part)]


def difference(one: Any, other: Any) -> float:
    """Greatest difference over the greatest value."""
    pairs = list(zip(leaves(one), leaves(other)))
    return max(
        float((a - b).abs().max() / a.abs().max().clamp(min=1))
        for a, b in pairs)


def measure(name: str, batch: int, args: Any) -> dict[str, Any]:
    """Times of one model and batch size."""
    size = CONFIGS[name][1]
    images = torch.randn(batch, 3, size, size)
    if torch.cuda.is_available():
        images = images.cuda()
    models = {m: build(name, m) for m in ('det', 'seg', 'mtl')}
    quick = fused(build(name, 'mtl'), (size, size))
    quick.memory_format = torch.channels_last
    quick.to(memory_format=torch.channels_last)
    runs = {m: forward(models[m], images) for m in models}
    runs['folded'] = forward(quick, images)
    runs['bf16'] = forward(quick, images, low=True)
    error = {name: difference(runs['mtl'](), runs[name]())
             for name in ('folded', 'bf16')}
    if args.compile:
        runs['compiled'] = forward(torch.compile(quick), images)
        error['compiled'] = difference(runs['mtl'](), runs['compiled']())
    times = interleave(runs, args.repeats, what=f'{name}, batch {batch}')
    best = [v for v in ('folded', 'bf16', 'compiled') if v in runs]
    return dict(
        times=summarise(times),
        largest_difference=error,
        over_pair={
            variant: ratio(times, [variant], ['det', 'seg'])
            for variant in ['mtl', *best]
        },
        bf16_over_folded=ratio(times, ['bf16'], ['folded']))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--models', nargs='+', default=list(CONFIGS))
    parser.add_argument('--batches', nargs='+', type=int, default=[1, 8])
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    set_up(args.threads)
    MMLogger.get_instance('inference', log_level='ERROR')
    init_default_scope('mmdet')
    write_report(
        args.out, {
            f'{name}, batch {batch}': measure(name, batch, args)
            for name in args.models for batch in args.batches
        })


if __name__ == '__main__':
    main()
