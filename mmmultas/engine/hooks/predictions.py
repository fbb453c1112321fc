"""What a test leaves behind: files of predictions and pictures."""
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import gather_object, is_main_process
from mmengine.hooks import Hook

from mmmultas.registry import HOOKS, VISUALIZERS, WRITERS
from mmmultas.structures import (BOXES, CLASSES, DET, SEG, check_class_count,
                                 kind_of, map_array, pred_field)
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.output_names import INDEX, TASKS, output_names
from mmmultas.utils.pictures import read_rgb

__all__ = ['PictureHook', 'PredictionHook']


@HOOKS.register_module()
class PredictionHook(Hook):
    """Write boxes to JSON files and maps to pictures.

    A JSON holds ``task``, ``classes`` and, per image, ``img_id``,
    ``img_path`` and ``detections`` (``label``, ``score``, ``bbox`` in xyxy
    pixels, 0-based).

    Args:
        out: JSON file of the boxes of 'det', or None.
        seg_out: Folder of the masks of 'seg', one ``<image name>.png`` each,
            or None. Images of one name lie in folders that tell them apart,
            and ``index.json`` says where.
        out_dir: Folder of the predictions of all tasks, or None: boxes as
            ``TASK.json``, maps in ``TASK/`` as their kind is stored
            (:mod:`mmmultas.apis.writers`), named as masks are; ``tasks.json``
            says what is there.

    Raises:
        ConfigError: ``out`` is no .json.
    """

    def __init__(self,
                 out: str | None = None,
                 seg_out: str | None = None,
                 out_dir: str | None = None) -> None:
        if out is not None and Path(out).suffix != '.json':
            raise ConfigError(f'--out writes JSON: {out} should end in '
                              '.json.')
        self.out = None if out is None else Path(out)
        self.seg_out = None if seg_out is None else Path(seg_out)
        self.out_dir = None if out_dir is None else Path(out_dir)
        self._boxes: dict[Path, tuple[str, list[dict[str, Any]]]] = {}
        self._maps: list[tuple[str, Path, Any]] = []
        self._names: dict[str, str] = {}

    def before_test_epoch(self, runner: Any) -> None:
        """Make the folders before hours of work, not after.

        Raises:
            ConfigError: More classes than a mask can hold, or a kind that
                nobody writes.
        """
        meta = runner.test_dataloader.dataset.metainfo
        boxes = [] if self.out is None else [(DET, self.out)]
        maps = [] if self.seg_out is None else [(SEG, self.seg_out)]
        for task in meta.get('tasks', ()) if self.out_dir else ():
            assert self.out_dir is not None
            if kind_of(task, meta) == BOXES:
                boxes.append((task, self.out_dir / f'{task}.json'))
            else:
                maps.append((task, self.out_dir / task))
        self._boxes = {path: (task, []) for task, path in boxes}
        for path in self._boxes:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._maps = [(task, folder, _writer(task, meta))
                      for task, folder in maps]
        if self._maps:
            self._names = _names_of(runner)
        for _, folder, writer in self._maps:
            self._make_folder(folder, writer.suffix)
        if self.out_dir is not None and is_main_process():
            # what lies there from another test is not of this one
            own = {task: path.name for task, path in (*boxes, *maps)
                   if path.parent == self.out_dir}
            places = {t: own[t] for t in meta['tasks'] if t in own}
            with atomic_path(self.out_dir / TASKS) as part:
                part.write_text(json.dumps(places))

    def _make_folder(self, folder: Path, suffix: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        places = {path: f'{name}{suffix}'
                  for path, name in self._names.items()
                  if name != Path(path).stem}
        if places and is_main_process():
            with atomic_path(folder / INDEX) as part:
                part.write_text(json.dumps(places))

    def after_test_iter(self,
                        runner: Any,
                        batch_idx: int,
                        data_batch: Any = None,
                        outputs: Any = None) -> None:
        """Collect boxes, write maps."""
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs or ():
            for task, images in self._boxes.values():
                if pred_field(task) in sample:
                    images.append(_boxes_of(sample, task))
            for task, folder, writer in self._maps:
                if pred_field(task) in sample:
                    name = _name_of(sample, self._names)
                    path = folder / f'{name}{writer.suffix}'
                    path.parent.mkdir(parents=True, exist_ok=True)
                    writer.write(path, map_array(
                        sample.get(pred_field(task)).cpu(),
                        kind_of(task, meta)))

    def after_test_epoch(self,
                         runner: Any,
                         metrics: dict[str, float] | None = None) -> None:
        """Join the processes' boxes and write them."""
        meta = runner.test_dataloader.dataset.metainfo
        for path, (task, mine) in self._boxes.items():
            parts = gather_object(mine)
            if parts is None:
                continue
            images = sorted((image for part in parts for image in part),
                            key=lambda image: str(image['img_id']))
            content = dict(
                task=task,
                classes=list(meta.get(task, {}).get('classes', ())),
                metrics={k: _number(v)
                         for k, v in (metrics or {}).items()},
                images=images)
            with atomic_path(path) as file:
                file.write_text(json.dumps(content))
            runner.logger.info(f'Boxes of {len(images)} images: {path}')
        for task, folder, _ in self._maps:
            runner.logger.info(f'Maps of {task!r}: {folder}')


def _writer(task: str, meta: Mapping[str, Any]) -> Any:
    """What writes the maps of a task."""
    kind, own = kind_of(task, meta), meta.get(task, {})
    if kind == CLASSES:
        option = '--seg-out' if task == SEG else '--out-dir'
        check_class_count(len(own.get('classes') or ()), option)
    writer = WRITERS.get(kind)
    if writer is None:
        raise ConfigError(
            f'--out-dir: {task!r} is of the kind {kind!r}, which nobody '
            'writes: register a writer in WRITERS (docs/add_a_task.md).')
    return writer(own)


def _names_of(runner: Any) -> dict[str, str]:
    """Names of the files of all test images; none of a drawn data set."""
    paths = []
    for loader in getattr(runner.test_dataloader, 'loaders', {}).values():
        ask = getattr(loader.dataset, 'get_data_info', None)
        paths += [str(ask(index).get('img_path', '')) if ask else ''
                  for index in range(len(loader.dataset))]
    return output_names(path for path in paths if path)


def _name_of(sample: Any, names: dict[str, str]) -> str:
    path = str(sample.metainfo['img_path'])
    return names.get(path, Path(path).stem)


def _boxes_of(sample: Any, task: str) -> dict[str, Any]:
    found = sample.get(pred_field(task)).cpu()
    return dict(
        img_id=sample.metainfo['img_id'],
        img_path=str(sample.metainfo['img_path']),
        detections=[
            dict(label=label, score=_float32(score),
                 bbox=[_float32(x) for x in box])
            for label, score, box in zip(found.labels.tolist(),
                                         found.scores.tolist(),
                                         found.bboxes.tolist())
        ])


def _float32(value: float) -> float:
    """Nine digits: what reads them gets the very float32 again.

    Fewer would make equal scores of different ones, and so other metrics.
    """
    return float(f'{value:.9g}')


def _number(value: Any) -> float | None:
    number = float(value)
    return None if number != number else number


@HOOKS.register_module()
class PictureHook(Hook):
    """Draw predictions beside the ground truth.

    Args:
        show_dir: Folder of the pictures.
        score_thr: Boxes under this score are not drawn.
        limit: Pictures drawn at most per process; None for all.
    """

    def __init__(self,
                 show_dir: str,
                 score_thr: float = 0.3,
                 limit: int | None = None) -> None:
        self.show_dir = Path(show_dir)
        self.score_thr = score_thr
        self.limit = limit
        self._drawn = 0
        self._names: dict[str, str] = {}
        self._visualizer: Any = None

    def before_test_epoch(self, runner: Any) -> None:
        """Make the folder, hand over class names."""
        self._drawn = 0
        self._names = _names_of(runner)
        self.show_dir.mkdir(parents=True, exist_ok=True)
        # the config's own visualizer may be a stock one
        self._visualizer = VISUALIZERS.build(
            dict(type='mmmultas.MultiTaskVisualizer', name='pictures'))
        meta = runner.test_dataloader.dataset.metainfo
        self._visualizer.dataset_meta = meta

    def after_test_iter(self,
                        runner: Any,
                        batch_idx: int,
                        data_batch: Any = None,
                        outputs: Any = None) -> None:
        """Draw a batch."""
        for sample in outputs or ():
            if self.limit is not None and self._drawn >= self.limit:
                return
            path = Path(sample.metainfo['img_path'])
            image = read_rgb(path, sample.metainfo.get('exif', True))
            name = _name_of(sample, self._names)
            self._visualizer.add_datasample(
                name,
                image,
                sample.cpu(),
                draw_gt=True,
                draw_pred=True,
                pred_score_thr=self.score_thr,
                out_file=str(self.show_dir / f'{name}.png'))
            self._drawn += 1
