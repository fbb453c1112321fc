"""Tasks beside det and seg: classes, mistakes, and pictures of each."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from mmengine.registry import DefaultScope

from mmmultas.analysis.prediction_sources import SavedPredictions
from mmmultas.engine.streams import build_eval_loader, joint_metainfo
from mmmultas.registry import PAINTERS
from mmmultas.structures import (BOXES, CLASSES, DET, SEG, canonical_name,
                                 gt_field, has_task, kind_of, pred_field)
from mmmultas.utils.errors import DataError, UserError
from mmmultas.utils.pictures import read_rgb
from mmmultas.utils.progress import progress
from mmmultas.utils.run_files import config_beside
from mmmultas.visualization.drawing import Picture
from mmmultas.visualization.painters import Painter

from .blocks import Block, Gallery, Panel, Section, Skipped, Text
from .classes import class_table, mistakes_section
from .collect import Collection, Run, reasons
from .judged import judge, read_truth
from .pictures import jpeg_of
from .tested import Tested

__all__ = ['PREDICTIONS', 'Further', 'further_section', 'judge_further']

#: Folder of a run in which a test leaves the predictions of all tasks.
PREDICTIONS = 'predictions'
SIDE = 300


@dataclass
class Further:
    """What tests left of the tasks beside det and seg.

    Attributes:
        kinds: Task → its kind.
        judged: Task of boxes or classes → what its predictions are worth,
            told as if it was the only det or seg.
        runs: Name of the run → its config and predictions.
        absent: A sentence per reason why runs could not be judged.
    """
    kinds: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Tested] = field(default_factory=dict)
    runs: dict[str, tuple[Any, SavedPredictions]] = field(
        default_factory=dict)
    absent: list[str] = field(default_factory=list)


def judge_further(data: Collection) -> Further:
    """Look for the predictions of every run, and judge what has classes."""
    found = Further()
    truths: dict[tuple[str, str], Any] = {}
    absent: list[tuple[str, str]] = []
    runs = [run for run in data.runs if set(run.tasks) - {DET, SEG}]
    for run in progress(runs, what='judge further tasks', unit='run'):
        try:
            cfg, predictions, meta = _of_run(run)
            found.runs[run.name] = cfg, predictions
            for task in predictions.tasks:
                if task not in (DET, SEG):
                    found.kinds[task] = kind_of(task, meta)
                    _judge(found, run, task, truths)
        except UserError as error:
            absent.append((run.name, str(error)))
    found.absent = reasons('Left out here', absent)
    return found


def _of_run(run: Run) -> tuple[Any, SavedPredictions, Mapping[str, Any]]:
    if run.folder is None:
        raise DataError('only the result is here')
    path = run.folder / PREDICTIONS
    if not path.is_dir():
        raise DataError(f'no {PREDICTIONS}/ is in its folder '
                        '(tools/test.py --out-dir)')
    cfg = config_beside(run.folder / 'boxes.json')
    with DefaultScope.overwrite_default_scope('mmdet'):
        meta = joint_metainfo([loader.dataset for loader in _loaders(cfg)])
    return cfg, SavedPredictions([path]), meta


def _loaders(cfg: Any) -> list[Any]:
    return [build_eval_loader('test_dataloader', name, stream, 0)
            for name, stream in cfg.test_dataloader.items()
            if stream is not None]


def _judge(found: Further, run: Run, task: str,
           truths: dict[tuple[str, str], Any]) -> None:
    kind = found.kinds[task]
    if kind not in (BOXES, CLASSES):
        return
    cfg, predictions = found.runs[run.name]
    key = task, json.dumps(cfg.get('test_dataloader'), default=str,
                           sort_keys=True)
    if key not in truths:
        truths[key] = read_truth(cfg, task, kind)
    tested = found.judged.setdefault(task, Tested())
    tested.truths[run.name] = truths[key]
    tested.found[run.name] = judge(truths[key],
                                   predictions.alone(task, kind))


def further_section(data: Collection, found: Further,
                    max_pictures: int = 3) -> Section | None:
    """Classes, mistakes and pictures of each further task; None of none.

    Args:
        data: The runs.
        found: Their predictions.
        max_pictures: Images shown of each task.
    """
    if not found.kinds and not found.absent:
        return None
    section = Section('Further tasks', [Skipped(why) for why in found.absent])
    for task, kind in found.kinds.items():
        section.blocks.append(Text(f'{task} ({kind})', 'head'))
        if task in found.judged:
            section.blocks += _of_classes(data, found.judged[task], kind)
        try:
            section.blocks += _pictures(data, found, task, max_pictures)
        except UserError as error:
            section.blocks.append(Skipped(
                f'No pictures of {task}: {error}'))
    return section


def _of_classes(data: Collection, tested: Tested,
                kind: str) -> list[Block]:
    own = canonical_name(kind)
    table = class_table(data, tested, own)
    what = 'AP50' if kind == BOXES else 'IoU'
    blocks: list[Block] = [] if table is None else [
        Text(f'{what} of each class'), table]
    return blocks + mistakes_section(data, tested, (own, )).blocks


def _pictures(data: Collection, found: Further, task: str,
              limit: int) -> list[Block]:
    """Truth and predictions of the first test images, one seed a cell."""
    shown = [(group.title, run.name) for group in data.groups
             for run in group.runs[:1] if run.name in found.runs
             and task in found.runs[run.name][1].tasks]
    if not shown or limit < 1:
        return []
    cfg = found.runs[shown[0][1]][0]
    blocks: list[Block] = []
    with DefaultScope.overwrite_default_scope('mmdet'):
        for loader in _loaders(cfg):
            meta = loader.dataset.metainfo
            if task not in meta.get('tasks', ()):
                continue
            for batch in loader:
                for sample in batch['data_samples']:
                    if has_task(sample, task) and len(blocks) < limit:
                        blocks.append(_gallery(sample, task, meta, shown,
                                               found))
                if len(blocks) == limit:
                    return blocks
    return blocks


def _gallery(sample: Any, task: str, meta: Mapping[str, Any],
             shown: Sequence[tuple[str, str]], found: Further) -> Gallery:
    picture = read_rgb(str(sample.img_path), sample.metainfo.get('exif', True))
    scale = SIDE / max(picture.shape[:2])
    image = _resized(picture, scale)
    truth = sample.get(gt_field(task))
    predictions = []
    for _, name in shown:
        found.runs[name][1].attach(sample, meta)
        predictions.append(sample.get(pred_field(task)))
    painter: Painter = PAINTERS.get(kind_of(task, meta))(meta[task])
    painter.fit([truth, *predictions])
    panels = [Panel('ground truth', jpeg=jpeg_of(
        painter.paint(image, truth, scale)))]
    for (title, _), value in zip(shown, predictions):
        if 'scores' in value:
            value = value[value.scores >= 0.3]
        panels.append(Panel(title, jpeg=jpeg_of(
            painter.paint(image, value, scale))))
        error = painter.error(image, truth, value)
        if error is not None:
            panels.append(Panel(f'{title}: {painter.error_title}',
                                jpeg=jpeg_of(error)))
    return Gallery(panels, f'{task}: {sample.img_id}', width=230,
                   swatches=painter.legend(truth))


def _resized(picture: Picture, scale: float) -> Picture:
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
                      np.uint8)
