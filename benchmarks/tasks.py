#!/usr/bin/env python
"""An update of one network for five tasks against five networks.

    joint        boxes, classes, depth, normals and edges on every image
    det, ...     the same images in a network for one of them

Times take turns in one process. The goal is a joint update of at most 0.45
of the five others together: what images share is computed once.

    python benchmarks/tasks.py [--config CONFIG ...] [--out FILE]
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

CONFIGS = ('configs/multas/efflite0-64_fpn_mtl_voc-mini.py',
           'configs/multas/rn18_fpn_mtl.py')
TASKS = ('det', 'seg', 'depth', 'normals', 'edges')
#: Keys of a decode head that say how large it is.
SIZE_KEYS = ('in_channels', 'channels', 'num_levels', 'in_stride',
             'upsample_mode', 'num_refine_convs', 'in_index')


class Bench:
    """A network for all tasks, and one for each.

    Args:
        config: A config with ``det`` and ``seg``; heads of further tasks are
            as large as that of ``seg``.
        size: Side of the images.
        batch: Images of an update.
    """

    def __init__(self, config: str = CONFIGS[0], size: int = 192,
                 batch: int = 8) -> None:
        model = Config.fromfile(ROOT / config).model
        model.backbone.init_cfg = None
        seg = model.heads.seg
        dense = dict(type='mmmultas.DenseHead',
                     **{k: seg[k] for k in SIZE_KEYS if k in seg})
        heads = dict(model.heads, **{t: dense for t in TASKS[2:]})
        init_default_scope('mmdet')
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.models, self.optims = {}, {}
        for name, tasks in [('joint', TASKS), *((t, (t, )) for t in TASKS)]:
            torch.manual_seed(0)
            cfg = copy.deepcopy(dict(model, heads={t: heads[t]
                                                   for t in tasks}))
            cfg['task_weights'] = dict.fromkeys(tasks, 1.0)
            built = MODELS.build(cfg).to(device).train()
            self.models[name] = built
            self.optims[name] = OptimWrapper(torch.optim.SGD(
                built.parameters(), lr=1e-4, momentum=0.9))
        self.batch = toy_batch(TASKS, batch, size)

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update."""
        def update(name: str) -> Callable[[], Any]:
            return lambda: self.update(name)
        return {name: update(name) for name in self.models}

    def update(self, name: str) -> Any:
        """One update through ``train_step``; its logs."""
        samples = [s.clone() for s in self.batch['data_samples']]
        tasks = TASKS if name == 'joint' else (name, )
        for sample in samples:
            sample.set_metainfo(dict(tasks=tasks))
        stream = dict(inputs=self.batch['inputs'], data_samples=samples)
        return self.models[name].train_step(
            dict(all=stream), self.optims[name])


def measure(config: str, args: Any) -> dict[str, Any]:
    """Times, and the ratio that has a goal."""
    bench = Bench(config, args.size, args.batch)
    times = interleave(bench.forms(), args.repeats, what=Path(config).stem)
    return dict(
        images=args.batch,
        size=args.size,
        times=summarise(times),
        joint_over_singles=ratio(times, ['joint'], TASKS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', nargs='+', default=CONFIGS)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--size', type=int, default=192)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('tasks', log_level='ERROR')
    set_up(args.threads)
    write_report(args.out, {Path(config).stem: measure(config, args)
                            for config in args.config})


if __name__ == '__main__':
    main()
