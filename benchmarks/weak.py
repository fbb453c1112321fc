#!/usr/bin/env python
"""An update with weak losses against the plain one.

    plain        one update of boxes and masks
    b4m, m4b     with one weak loss
    bombo        with both
    lines        with both, and lines
    average      with the moving average as teacher
    average_half with it on half of the images (share=0.5)
    all          with both weak losses and the moving average

Networks are those of configs/weak/ in efflite0-64 size; images show objects,
times take turns in one process.

    python benchmarks/weak.py [--repeats 9] [--out FILE]
"""
import argparse
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch

CONFIG = 'configs/multas/efflite0-64_fpn_mtl_voc-mini.py'
B4M = dict(b4m=dict(type='mmmultas.BoxForMask', ramp_epochs=0))
LINES = dict(b4m=dict(B4M['b4m'], lines_weight=.5))
M4B = dict(m4b=dict(type='mmmultas.MaskForBox'))
AVERAGE = dict(average=dict(type='mmmultas.ConsistencyTeacher', begin=0.))
HALF = dict(average=dict(AVERAGE['average'], share=.5))
COMPANIONS: dict[str, dict[str, Any]] = dict(
    plain={}, b4m=B4M, m4b=M4B, bombo=B4M | M4B, lines=LINES | M4B,
    average=AVERAGE, average_half=HALF, all=B4M | M4B | AVERAGE)


class Bench:
    """A network with each set of companions.

    Args:
        size: Side of the images.
        batch: Images of each stream.
        config: Its config.
    """

    def __init__(self, size: int = 192, batch: int = 8,
                 config: str = CONFIG) -> None:
        cfg = Config.fromfile(ROOT / config).model
        if 'init_cfg' in cfg.backbone:
            cfg.backbone.init_cfg = None
        init_default_scope('mmdet')
        self.models = {}
        for name, companions in COMPANIONS.items():
            torch.manual_seed(0)
            model = MODELS.build(dict(cfg, companions=companions))
            model.meet({}, 1, 10)
            model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
            model.meet_average(copy.deepcopy(model))
            model.set_update(9)
            self.models[name] = model, OptimWrapper(
                torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9))
        self.batches = {
            task: toy_batch((task, ), batch, size, seed)
            for seed, task in enumerate(('det', 'seg'))
        }

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update."""
        return {name: lambda name=name: self.update(name)
                for name in self.models}

    def update(self, name: str) -> Any:
        """One update through ``train_step``."""
        model, optim = self.models[name]
        return model.train_step({
            key: dict(
                inputs=batch['inputs'],
                # the preprocessor writes into samples
                data_samples=[s.clone() for s in batch['data_samples']])
            for key, batch in self.batches.items()
        }, optim)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--size', type=int, default=192)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('weak', log_level='ERROR')
    set_up(args.threads)
    bench = Bench(args.size, args.batch)
    times = interleave(bench.forms(), args.repeats, what='weak losses')
    write_report(args.out, dict(
        images_per_task=args.batch,
        size=args.size,
        times=summarise(times),
        over_plain={name: ratio(times, [name], ['plain'])
                    for name in times if name != 'plain'}))


if __name__ == '__main__':
    main()
