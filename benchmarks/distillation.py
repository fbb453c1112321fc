#!/usr/bin/env python
"""A distilled update against its parts.

    distilled    one update of a student with a wider teacher per task
    student      the same update without teachers
    teachers     what the teachers see, their forward passes alone

Times take turns in one process. What a distilled update adds beyond the sum
of the other two are connectors, losses and their gradients.

    python benchmarks/distillation.py [--sees both] [--out FILE]
"""
import argparse
import tempfile
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
CHANNELS = dict(student=64, teacher=128)


class Bench:
    """A student, with and without its teachers.

    Args:
        sees: Which images the teachers see.
        size: Side of the images.
        batch: Images of each stream.
        config: The student's config.
    """

    def __init__(self,
                 sees: str = 'both',
                 size: int = 192,
                 batch: int = 8,
                 config: str = CONFIG) -> None:
        plain = Config.fromfile(ROOT / config).model
        plain.backbone.init_cfg = None
        init_default_scope('mmdet')
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            self.distilled = MODELS.build(
                distillation(plain, Path(folder), sees))
            self.distilled.prepare()
        self.student = MODELS.build(plain)
        self.student.load_state_dict(self.distilled.state_dict())
        self.optims = {}
        for model in (self.distilled, self.student):
            model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
            self.optims[model] = OptimWrapper(
                torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9))
        self.batches = {
            task: toy_batch((task, ), batch, size, seed)
            for seed, task in enumerate(('det', 'seg'))
        }

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one update, or the teachers' part of it."""
        return dict(
            distilled=lambda: self.update(self.distilled),
            student=lambda: self.update(self.student),
            teachers=self.teachers)

    def update(self, model: Any) -> Any:
        """One update through ``train_step``."""
        return model.train_step(self._copied(), self.optims[model])

    def teachers(self) -> None:
        """Every teacher on what it sees, as the distilled update asks it."""
        model = self.distilled
        data = model.data_preprocessor(self._copied(), True)
        for stream, inputs in data['inputs'].items():
            for _, teacher in model.teachers:
                rows = teacher.rows(data['data_samples'][stream])
                if rows:
                    teacher(inputs[rows], model.data_preprocessor)

    def _copied(self) -> dict[str, Any]:
        """The preprocessor writes into samples."""
        return {
            name: dict(
                inputs=batch['inputs'],
                data_samples=[s.clone() for s in batch['data_samples']])
            for name, batch in self.batches.items()
        }


def distillation(plain: Any, folder: Path, sees: str) -> dict[str, Any]:
    """Config of a student with a teacher per task, twice as wide."""
    feats = dict(feats=dict(type='ModuleOutputs', source='neck'))
    teachers, channels = {}, CHANNELS['teacher']
    for task in plain.heads:
        cfg = Config(dict(model=plain)).model.copy()
        cfg.pop('task_weights', None)
        cfg.neck = dict(plain.neck, out_channels=channels)
        cfg.heads = {task: dict(plain.heads[task], in_channels=channels)}
        path = folder / f'{task}.pth'
        torch.save(dict(state_dict=MODELS.build(cfg).state_dict()), path)
        teachers[task] = dict(cfg=cfg, checkpoint=str(path), sees=sees)
    connector = dict(
        type='mmmultas.LevelProjection',
        in_channels=CHANNELS['student'],
        out_channels=channels,
        num_levels=4)
    mappings = {
        f'loss_{task}': dict(
            student=dict(from_student=True, recorder='feats', connector=task),
            teacher=dict(from_student=False, teacher=task, recorder='feats'))
        for task in teachers
    }
    return dict(
        type='mmmultas.MultiTeacherDistill',
        architecture=plain,
        teachers=teachers,
        distiller=dict(
            student_recorders=feats,
            teacher_recorders={task: feats for task in teachers},
            connectors={task: connector for task in teachers},
            distill_losses={
                name: dict(type='mmmultas.FeatureMSE', weight=5.0)
                for name in mappings
            },
            loss_forward_mappings=mappings))


def measure(sees: str, args: Any) -> dict[str, Any]:
    """Times, and the ratio that has a goal."""
    bench = Bench(sees, args.size, args.batch)
    times = interleave(bench.forms(), args.repeats, what=sees)
    return dict(
        images_per_task=args.batch,
        size=args.size,
        times=summarise(times),
        distilled_over_parts=ratio(times, ['distilled'],
                                   ['student', 'teachers']))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--sees', nargs='+', default=['annotated', 'other', 'both'])
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--size', type=int, default=192)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('distillation', log_level='ERROR')
    set_up(args.threads)
    write_report(args.out, {sees: measure(sees, args) for sees in args.sees})


if __name__ == '__main__':
    main()
