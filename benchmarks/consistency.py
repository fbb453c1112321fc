#!/usr/bin/env python
"""An update in which tasks teach each other, against its parts.

    plain      one update of labels, with both views of each image
    xtc        the same with mmmultas.CrossTaskConsistency
    mapping    what that adds at least: its mapping network, forward and
               backward, on the same maps in one batch
    loop       the mapping network on one image, pair and side at a time

SegNet of configs/mtpsl/ (a quarter of the channels) with three tasks, one
label per image; times take turns in one process.

    python benchmarks/consistency.py [--repeats 9] [--out FILE]
"""
import argparse
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

CONFIG = 'configs/mtpsl/segnet-16_split_dense_xtc_scenes.py'
TASKS = ('seg', 'depth', 'normals')


class Bench:
    """A network with and without its companion, and the mapping alone.

    Args:
        size: Side of the images, which 32 divides.
        batch: Number of images; each has two views and one label.
        config: Config of the network.
    """

    def __init__(self, size: int = 128, batch: int = 8,
                 config: str = CONFIG) -> None:
        cfg = Config.fromfile(ROOT / config).model
        init_default_scope('mmdet')
        self.models: dict[str, Any] = {}
        for name in ('plain', 'xtc'):
            torch.manual_seed(0)
            model = MODELS.build(dict(
                cfg, companions=cfg.companions if name == 'xtc' else {}))
            model.meet({}, 1, 10)
            model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
            self.models[name] = model, OptimWrapper(
                torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9))
        self.batch = toy_batch([(task, ) for task in TASKS], batch, size,
                               second_view=True)
        self.mapping = self.models['xtc'][0].companions['xtc'].mapping
        self._keep_maps()

    def _keep_maps(self) -> None:
        """What enters the mapping in an update."""

        def keep(module: Any, given: Any) -> None:
            maps, self.index, self.columns = given
            self.maps = [(task, x.detach().requires_grad_(x.requires_grad))
                         for task, x in maps]

        handle = self.mapping.register_forward_pre_hook(keep)
        self.update('xtc')
        handle.remove()

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → what is timed."""
        return dict(plain=lambda: self.update('plain'),
                    xtc=lambda: self.update('xtc'),
                    mapping=self.joint, loop=self.loop)

    def update(self, name: str) -> Any:
        """One update through ``train_step``."""
        model, optim = self.models[name]
        return model.train_step(dict(a=dict(
            inputs=self.batch['inputs'],
            # the preprocessor writes into samples
            data_samples=[s.clone() for s in self.batch['data_samples']])),
            optim)

    def joint(self) -> torch.Tensor:
        """All items in one batch, forward and backward; the embeddings."""
        found: torch.Tensor = self.mapping(self.maps, self.index,
                                           self.columns)
        found.sum().backward()
        return found

    def loop(self) -> torch.Tensor:
        """The same one by one."""
        singles = [(task, x[i:i + 1]) for task, x in self.maps
                   for i in range(len(x))]
        zero = torch.zeros_like(self.index[:1])
        found = []
        for i, column in zip(self.index.tolist(), self.columns):
            one = self.mapping([singles[i]], zero, column[None])
            one.sum().backward()
            found.append(one)
        return torch.cat(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--config', default=CONFIG)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('consistency', log_level='ERROR')
    set_up(args.threads)
    bench = Bench(args.size, args.batch, args.config)
    times = interleave(bench.forms(), args.repeats, what='consistency')
    write_report(args.out, dict(
        images=args.batch,
        size=args.size,
        items=len(bench.index),
        config=args.config,
        times=summarise(times),
        xtc_over_plain_and_mapping=ratio(times, ['xtc'],
                                         ['plain', 'mapping']),
        xtc_over_plain=ratio(times, ['xtc'], ['plain']),
        mapping_over_loop=ratio(times, ['mapping'], ['loop'])))


if __name__ == '__main__':
    main()
