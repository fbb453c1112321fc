"""What a test leaves behind: files of predictions and pictures."""
import json
from pathlib import Path
from typing import Any

from mmengine.dist import gather_object, is_main_process
from mmengine.hooks import Hook

from mmmultas.registry import HOOKS, VISUALIZERS
from mmmultas.structures import check_class_count, write_index_mask
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.output_names import INDEX, output_names
from mmmultas.utils.pictures import read_rgb

__all__ = ['PictureHook', 'PredictionHook']


@HOOKS.register_module()
class PredictionHook(Hook):
    """Write boxes to a JSON file and masks to palette PNGs.

    The JSON holds ``classes`` and, per image, ``img_id``, ``img_path`` and
    ``detections`` (``label``, ``score``, ``bbox`` in xyxy pixels, 0-based).

    Args:
        out: JSON file of the boxes, or None.
        seg_out: Folder of the masks, one ``<image name>.png`` each, or None.
            Images of one name lie in folders that tell them apart, and
            ``index.json`` says where.
    """

    def __init__(self,
                 out: str | None = None,
                 seg_out: str | None = None) -> None:
        if out is not None and Path(out).suffix != '.json':
            raise ConfigError(f'--out writes JSON: {out} should end in '
                              '.json.')
        self.out = None if out is None else Path(out)
        self.seg_out = None if seg_out is None else Path(seg_out)
        self._images: list[dict[str, Any]] = []
        self._names: dict[str, str] = {}

    def before_test_epoch(self, runner: Any) -> None:
        """Make the folders before hours of work, not after.

        Raises:
            ConfigError: More classes than a mask can hold.
        """
        self._images = []
        if self.out is not None:
            self.out.parent.mkdir(parents=True, exist_ok=True)
        if self.seg_out is None:
            return
        meta = runner.test_dataloader.dataset.metainfo
        check_class_count(
            len(meta.get('seg', {}).get('classes') or ()), '--seg-out')
        self._names = _names_of(runner)
        self.seg_out.mkdir(parents=True, exist_ok=True)
        places = {path: f'{name}.png' for path, name in self._names.items()
                  if name != Path(path).stem}
        if places and is_main_process():
            with atomic_path(self.seg_out / INDEX) as part:
                part.write_text(json.dumps(places))

    def after_test_iter(self,
                        runner: Any,
                        batch_idx: int,
                        data_batch: Any = None,
                        outputs: Any = None) -> None:
        """Collect boxes, write masks."""
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs or ():
            if self.out is not None and 'pred_instances' in sample:
                self._images.append(_boxes_of(sample))
            if self.seg_out is not None and 'pred_sem_seg' in sample:
                self._write_mask(sample, meta.get('seg', {}).get('palette'))

    def after_test_epoch(self,
                         runner: Any,
                         metrics: dict[str, float] | None = None) -> None:
        """Join the processes' boxes and write them."""
        if self.out is None:
            return
        parts = gather_object(self._images)
        if parts is None:
            return
        images = sorted((image for part in parts for image in part),
                        key=lambda image: str(image['img_id']))
        meta = runner.test_dataloader.dataset.metainfo
        content = dict(
            classes=list(meta.get('det', {}).get('classes', ())),
            metrics={k: _number(v)
                     for k, v in (metrics or {}).items()},
            images=images)
        with atomic_path(self.out) as part:
            part.write_text(json.dumps(content))
        runner.logger.info(f'Boxes of {len(images)} images: {self.out}')

    def _write_mask(self, sample: Any, palette: Any) -> None:
        assert self.seg_out is not None
        path = self.seg_out / f'{_name_of(sample, self._names)}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        write_index_mask(path, sample.pred_sem_seg.sem_seg[0].cpu().numpy(),
                         palette)


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


def _boxes_of(sample: Any) -> dict[str, Any]:
    found = sample.pred_instances.cpu()
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
