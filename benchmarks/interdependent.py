#!/usr/bin/env python
"""The interdependent network against its two halves.

    joint      one update of boxes and masks
    seg        one of masks alone
    det        one of boxes alone, by a detector that reads the encoder
    encoder    one of both, whose detector reads the encoder
    image_...  what each says of one image

Times take turns in one process.

    python benchmarks/interdependent.py [--full] [--out FILE]
"""
import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
from mmmultas.testing import toy_batch

#: Name → config, small and in the paper's size.
CONFIGS = dict(
    joint='mtl{}', seg='seg{}', det='det{}', encoder='mtl_encoder{}')
SMALL = 'configs/interdependent/efflite0_trident_{}_voc-mini.py'
FULL = 'configs/interdependent/adapnetpp_trident_{}_citys.py'


class Bench:
    """The networks and their batches.

    Args:
        full: Whether networks have the paper's size.
        size: Height and width of the images.
        batch: Images of each stream.
    """

    def __init__(self, full: bool, size: tuple[int, int],
                 batch: int) -> None:
        init_default_scope('mmdet')
        self.models: dict[str, tuple[Any, Any]] = {}
        for name, stem in CONFIGS.items():
            path = (FULL if full else SMALL).format(
                stem.format('_stage1' if full and name == 'joint' else ''))
            cfg = Config.fromfile(ROOT / path).model
            cfg.backbone.init_cfg = None
            torch.manual_seed(0)
            model = MODELS.build(cfg)
            model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
            self.models[name] = model, OptimWrapper(
                torch.optim.SGD(model.parameters(), lr=1e-5))
        self.batches = {
            task: _cut(toy_batch((task, ), batch, max(size), seed), size)
            for seed, task in enumerate(('det', 'seg'))
        }
        self.image = _cut(toy_batch((), 1, max(size)), size)

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update, or one prediction."""
        updates = {name: partial(self.update, name) for name in self.models}
        return updates | {f'image_{name}': partial(self.predict, name)
                          for name in self.models}

    def update(self, name: str) -> Any:
        """One update through ``train_step``."""
        model, optim = self.models[name]
        return model.train().train_step({
            key: dict(
                inputs=batch['inputs'],
                data_samples=[s.clone() for s in batch['data_samples']])
            for key, batch in self.batches.items() if key in model.heads
        }, optim)

    def predict(self, name: str) -> Any:
        """Boxes and classes of one image."""
        model, _ = self.models[name]
        with torch.no_grad():
            return model.eval().val_step(self.image)

    def parameters(self) -> dict[str, int]:
        """Trained values of each network."""
        return {name: sum(p.numel() for p in model.parameters())
                for name, (model, _) in self.models.items()}


def _cut(batch: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The upper left part of square images."""
    height, width = size
    batch['inputs'] = [image[:, :height, :width]
                       for image in batch['inputs']]
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(
            img_shape=size, ori_shape=size, scale_factor=(1., 1.)))
        if 'gt_sem_seg' in sample:
            mask = sample.gt_sem_seg.sem_seg[:, :height, :width]
            sample.gt_sem_seg = sem_seg_data(mask)
    return batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument(
        '--full', action='store_true', help="networks of the paper's size")
    parser.add_argument(
        '--size', type=int, nargs=2, default=(192, 192),
        metavar=('HEIGHT', 'WIDTH'))
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('interdependent', log_level='ERROR')
    set_up(args.threads)
    bench = Bench(args.full, tuple(args.size), args.batch)
    times = interleave(bench.forms(), args.repeats, what='interdependent')
    write_report(args.out, dict(
        full=args.full,
        size=args.size,
        images_per_task=args.batch,
        parameters=bench.parameters(),
        times=summarise(times),
        image_over_seg=ratio(times, ['image_joint'], ['image_seg']),
        image_over_both=ratio(times, ['image_joint'],
                              ['image_seg', 'image_det']),
        update_over_both=ratio(times, ['joint'], ['seg', 'det']),
        update_over_encoder=ratio(times, ['joint'], ['encoder'])))


if __name__ == '__main__':
    main()
