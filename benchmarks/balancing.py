#!/usr/bin/env python
"""What a balancer adds to an update.

    backward     the joint backward pass of an update, graph and all
    gram         the same graph gone back through once per task
    plain        a whole update with fixed weights
    uncertainty  a whole update, weights from losses
    mgda         a whole update, weights from gradients
    last layer   the same, gradients of the neck's last layer alone
    famo         a whole update, and its batch once more after the step

Times take turns in one process. The goal is a Gram matrix in at most 0.8 of a
joint backward pass, with a stream per task. Rules that keep their weights for
n steps (NashMTL(every=n)) pay for an n-th of the Gram matrices.

    python benchmarks/balancing.py [--out FILE]
    python benchmarks/balancing.py --config configs/multas/rn18_fpn_mtl.py \
        --size 128 --batch 2 --repeats 5
"""
import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.models.multitask.task_gradients import (shared_parameters,
                                                      task_gradients)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch

CONFIG = 'configs/multas/efflite0-64_fpn_mtl_voc-mini.py'
RULES = {
    'plain': None,
    'uncertainty': dict(type='mmmultas.Uncertainty'),
    'mgda': dict(type='mmmultas.MGDA'),
    'last layer': dict(type='mmmultas.MGDA', module='neck.fpn_convs'),
    'famo': dict(type='mmmultas.FAMO')
}


class Bench:
    """Updates of one network under several balancers.

    Args:
        size: Side of the images.
        batch: Images of each stream.
        config: The network's config.
    """

    def __init__(self, size: int = 192, batch: int = 8,
                 config: str = CONFIG) -> None:
        model = Config.fromfile(ROOT / config).model
        model.backbone.init_cfg = None
        init_default_scope('mmdet')
        self.models, self.optims = {}, {}
        for name, rule in RULES.items():
            torch.manual_seed(0)
            built = MODELS.build(dict(model, balancer=rule)).train()
            built.keep_batches()
            self.models[name] = built
            self.optims[name] = OptimWrapper(torch.optim.SGD(
                built.parameters(), lr=1e-4, momentum=0.9))
        self.batches = {task: toy_batch((task, ), batch, size, seed)
                        for seed, task in enumerate(('det', 'seg'))}

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update."""
        def update(name: str) -> None:
            self.models[name].train_step(self._copied(), self.optims[name])
            self.models[name].look_again(lambda update: nullcontext())
        return {name: partial(update, name) for name in RULES}

    def passes(self) -> dict[str, float]:
        """Seconds of the two ways back through one graph."""
        model = self.models['plain']
        data = model.data_preprocessor(self._copied(), True)
        losses = model(**data, mode='loss')
        sums: dict[str, Any] = {}
        for name, value in losses.items():
            task = name.partition('.')[0]
            sums[task] = sums.get(task, 0) + value
        shared = shared_parameters(model, ('backbone', 'neck'))
        start = time.process_time()
        task_gradients(sums, shared)
        middle = time.process_time()
        torch.stack(list(sums.values())).sum().backward()
        end = time.process_time()
        model.zero_grad()
        return dict(gram=middle - start, backward=end - middle)

    def _copied(self) -> dict[str, Any]:
        """The preprocessor writes into samples."""
        return {
            name: dict(inputs=batch['inputs'],
                       data_samples=[s.clone()
                                     for s in batch['data_samples']])
            for name, batch in self.batches.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--size', type=int, default=192)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--config', default=CONFIG)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('balancing', log_level='ERROR')
    set_up(threads=1)
    bench = Bench(args.size, args.batch, args.config)
    bench.passes()
    turns = [bench.passes() for _ in range(args.repeats)]
    passes = {name: [turn[name] for turn in turns] for name in turns[0]}
    times = interleave(bench.forms(), args.repeats, what='updates')
    write_report(args.out, dict(
        config=Path(args.config).stem,
        images_per_task=args.batch,
        size=args.size,
        times=summarise({**passes, **times}),
        gram_over_backward=ratio(passes, ['gram'], ['backward']),
        **{f'{name}_over_plain': ratio(times, [name], ['plain'])
           for name in RULES if name != 'plain'}))


if __name__ == '__main__':
    main()
