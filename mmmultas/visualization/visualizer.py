"""One picture of what two tasks say about an image."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer
from numpy.typing import NDArray

from mmmultas.registry import PAINTERS, VISUALIZERS
from mmmultas.structures import DET, SEG, field_of, kind_of
from mmmultas.utils.errors import ConfigError

from .drawing import (Colour, Picture, add_caption, add_legend, blend_mask,
                      class_colours, draw_boxes, side_by_side)
from .painters import Painter

__all__ = ['MultiTaskVisualizer']

DIFFICULT_COLOUR: Colour = (160, 160, 160)
#: The panel of det and seg with its mask, those of other tasks, the legend.
Row = tuple[tuple[Picture, NDArray | None], list[Picture],
            list[tuple[str, Colour]]]


@VISUALIZERS.register_module()
class MultiTaskVisualizer(Visualizer):
    """Draws what each task says, by the painter of its kind.

    ``dataset_meta`` is that of our data sets: ``{'det': {'classes': ...,
    'palette': ...}, 'depth': {'kind': 'depth', 'unit': 'm'}}``; a task that
    it does not name is not drawn. ``det`` and ``seg`` share a panel, any
    other task has one of its own, and predictions are then below the ground
    truth. A class called ``background`` is left untinted.

    Args:
        name: As in mmengine's ``Visualizer``, like the next two.
        vis_backends: Config(s) of the backends.
        save_dir: Folder of the backends.
        alpha: Opacity of the masks, in [0, 1].
        min_side: Smaller pictures are enlarged so that their longer side
            has this many pixels, and names stay readable.
    """

    def __init__(self,
                 name: str = 'visualizer',
                 vis_backends: list[dict] | dict | None = None,
                 save_dir: str | None = None,
                 alpha: float = 0.5,
                 min_side: int = 480) -> None:
        super().__init__(
            name, vis_backends=vis_backends, save_dir=save_dir)
        self.alpha = alpha
        self.min_side = min_side

    @master_only
    def add_datasample(self,
                       name: str,
                       image: NDArray[np.uint8],
                       data_sample: Any = None,
                       draw_gt: bool = True,
                       draw_pred: bool = True,
                       show: bool = False,
                       wait_time: float = 0,
                       out_file: str | Path | None = None,
                       pred_score_thr: float = 0.3,
                       step: int = 0) -> None:
        """Draw a sample and show it, write it, or hand it to the backends.

        Args:
            name: Name of the picture for backends and windows.
            image: (H, W, 3) uint8 RGB, in the coordinates of the labels.
            data_sample: ``DetDataSample`` with ground truth, predictions,
                or both; what it lacks is not drawn.
            draw_gt: Draw the labels that the sample's ``tasks`` name.
            draw_pred: Draw the predictions, right of the ground truth.
            show: Open a window.
            wait_time: Seconds that the window stays; 0: until a key.
            out_file: Write the picture here instead of to the backends.
            pred_score_thr: Boxes below this score are not drawn.
            step: Step for the backends.
        """
        drawn = self.draw(image, data_sample, draw_gt, draw_pred,
                          pred_score_thr)
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            path = Path(out_file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not cv2.imwrite(str(path), drawn[..., ::-1]):
                raise OSError(f'cannot write the picture {path}')
        else:
            self.add_image(name, drawn, step)

    def draw(self,
             image: NDArray[np.uint8],
             data_sample: Any = None,
             draw_gt: bool = True,
             draw_pred: bool = True,
             pred_score_thr: float = 0.3) -> Picture:
        """The picture of :meth:`add_datasample`, (H, W, 3) uint8 RGB."""
        scale = max(1.0, self.min_side / max(image.shape[:2]))
        rows: list[Row] = []
        sides = ['gt'] * draw_gt + ['pred'] * draw_pred
        painters = self._painters([] if data_sample is None else [
            (data_sample, side) for side in sides])
        if data_sample is not None and draw_gt:
            first = self._draw_truth(image, data_sample, scale)
            rows.append((first, *self._others(
                image, data_sample, scale, 'gt', 0, 'Ground truth',
                painters)))
        if data_sample is not None and draw_pred:
            others = self._others(image, data_sample, scale, 'pred',
                                  pred_score_thr, 'Prediction', painters)
            if others[0] or _has_prediction(data_sample):
                first = self._draw_prediction(
                    image, data_sample, scale, pred_score_thr,
                    _title(data_sample))
                rows.append((first, *others))
        return self._joined(rows) if rows else _enlarge(image, scale)

    def _joined(self, rows: Sequence[Row]) -> Picture:
        """Rows below one another; side by side if each is one panel."""
        if not any(panels for _, panels, _ in rows):
            return self._join(*zip(*[first for first, _, _ in rows]))
        lines = [side_by_side([first[0], *panels])
                 for first, panels, _ in rows]
        masks = [first[1] for first, _, _ in rows if first[1] is not None]
        legend = [entry for _, _, entries in rows for entry in entries]
        return add_legend(_stacked(lines), [
            *self._legend(masks), *dict.fromkeys(legend)])

    def compare(self,
                image: NDArray[np.uint8],
                truth: Any,
                predictions: Mapping[str, Any],
                pred_score_thr: float = 0.3) -> Picture:
        """The ground truth and what several models say.

        Side by side; below one another where there are further tasks.

        Args:
            image: (H, W, 3) uint8 RGB, in the coordinates of the labels.
            truth: Sample with ground truth.
            predictions: Title → sample with predictions.
            pred_score_thr: Boxes below this score are not drawn.

        Returns:
            (H', W', 3) uint8 RGB.
        """
        scale = max(1.0, self.min_side / max(image.shape[:2]))
        painters = self._painters([
            (truth, 'gt'), *((s, 'pred') for s in predictions.values())])
        rows: list[Row] = [
            (self._draw_truth(image, truth, scale),
             *self._others(image, truth, scale, 'gt', 0, 'Ground truth',
                           painters))]
        for title, sample in predictions.items():
            others = self._others(image, sample, scale, 'pred',
                                  pred_score_thr, title, painters)
            rows.append((self._draw_prediction(
                image, sample, scale, pred_score_thr, title), *others))
        return self._joined(rows)

    def _join(self, panels: Sequence[Picture],
              masks: Sequence[NDArray | None]) -> Picture:
        return add_legend(
            side_by_side(panels),
            self._legend([mask for mask in masks if mask is not None]))

    def _draw_truth(self, image: Picture, sample: Any,
                    scale: float) -> tuple[Picture, NDArray | None]:
        tasks = sample.metainfo.get('tasks', (DET, SEG))
        mask = _mask(sample, 'gt_sem_seg') if SEG in tasks else None
        panel = self._tint(image, mask, scale)
        if DET in tasks and 'gt_instances' in sample:
            if 'ignored_instances' in sample:
                hard = _array(sample.ignored_instances.bboxes)
                panel = draw_boxes(panel, hard * scale,
                                   ['difficult'] * len(hard),
                                   [DIFFICULT_COLOUR] * len(hard))
            panel = self._outline(panel, sample.gt_instances, scale)
        labels = ', '.join(tasks) or 'no label'
        return add_caption(panel, f'Ground truth ({labels})'), mask

    def _draw_prediction(
            self,
            image: Picture,
            sample: Any,
            scale: float,
            score_thr: float,
            title: str) -> tuple[Picture, NDArray | None]:
        mask = _mask(sample, 'pred_sem_seg')
        panel = self._tint(image, mask, scale)
        if 'pred_instances' in sample:
            found = sample.pred_instances
            found = found[found.scores >= score_thr]
            found = found[found.scores.argsort()]  # the best one on top
            panel = self._outline(panel, found, scale)
        return add_caption(panel, title), mask

    def overlay(self,
                image: NDArray[np.uint8],
                data_sample: Any,
                pred_score_thr: float = 0.3) -> Picture:
        """Predictions alone, in the size of the image, as for a video.

        Args:
            image: (H, W, 3) uint8 RGB.
            data_sample: Sample with predictions.
            pred_score_thr: Boxes below this score are not drawn.

        Returns:
            (H, W', 3): det and seg on the image, and right of it a panel of
            H by W pixels for each other task.
        """
        panel = self._tint(image, _mask(data_sample, 'pred_sem_seg'), 1.0)
        if 'pred_instances' in data_sample:
            found = data_sample.pred_instances
            found = found[found.scores >= pred_score_thr]
            panel = self._outline(panel, found[found.scores.argsort()], 1.0)
        values = self._values(data_sample, 'pred', pred_score_thr)
        painters = self._painters([(data_sample, 'pred')])
        return side_by_side([panel, *(
            painters[task].paint(image, value)
            for task, value in values.items())])

    def _tint(self, image: Picture, mask: NDArray | None,
              scale: float) -> Picture:
        image = _enlarge(image, scale)
        names, colours = self._classes(SEG)
        if mask is None or not names:
            return image
        mask = cv2.resize(
            mask, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        hidden = [k for k, name in enumerate(names) if name == 'background']
        return blend_mask(image, mask, colours, hidden, self.alpha)

    def _outline(self, panel: Picture, instances: Any,
                 scale: float) -> Picture:
        return self._painter(DET).paint(panel, instances, scale)

    def _painter(self, task: str) -> Painter:
        """What draws a task; a kind that nobody draws is an error.

        Raises:
            ConfigError: The kind has no painter.
        """
        meta = self._dataset_meta or {}
        kind = kind_of(task, meta)
        painter = PAINTERS.get(kind)
        if painter is None:
            raise ConfigError(
                f'{task!r} is of the kind {kind!r}, which nobody draws: '
                'register a painter in PAINTERS (docs/add_a_task.md).')
        found: Painter = painter(meta.get(task, {}), self.alpha)
        return found

    def _values(self, sample: Any, prefix: str,
                score_thr: float = 0.) -> dict[str, Any]:
        """Labels or predictions of the tasks beside det and seg."""
        values = {}
        for task, meta in (self._dataset_meta or {}).items():
            field = field_of(task, prefix)
            if (task in (DET, SEG) or not isinstance(meta, Mapping)
                    or field not in sample):
                continue
            value = sample.get(field)
            if 'scores' in value:
                value = value[value.scores >= score_thr]
                value = value[value.scores.argsort()]
            values[task] = value
        return values

    def _painters(self, drawn: Sequence[tuple[Any, str]]
                  ) -> dict[str, Painter]:
        """Painters of the other tasks that suit all that is drawn.

        Args:
            drawn: Samples, and 'gt' or 'pred'; the truth comes first.
        """
        values: dict[str, list[Any]] = {}
        for sample, prefix in drawn:
            for task, value in self._values(sample, prefix).items():
                values.setdefault(task, []).append(value)
        painters = {task: self._painter(task) for task in values}
        for task, painter in painters.items():
            painter.fit(values[task])
        return painters

    def _others(self, image: Picture, sample: Any, scale: float,
                prefix: str, score_thr: float, title: str,
                painters: Mapping[str, Painter]
                ) -> tuple[list[Picture], list[tuple[str, Colour]]]:
        """A panel for each task beside det and seg, and its legend."""
        panels: list[Picture] = []
        legend: list[tuple[str, Colour]] = []
        for task, value in self._values(sample, prefix, score_thr).items():
            painter = painters[task]
            panel = painter.paint(_enlarge(image, scale), value, scale)
            panels.append(add_caption(panel, f'{title}: {task}'))
            legend += painter.legend(value)
        return panels, legend

    def _classes(self, task: str) -> tuple[tuple[str, ...], list[Colour]]:
        meta = (self._dataset_meta or {}).get(task, {})
        names = tuple(meta.get('classes', ()))
        first = 0 if names[:1] == ('background', ) else 1
        return names, class_colours(len(names), meta.get('palette'), first)

    def _legend(self, masks: list[NDArray]) -> list[tuple[str, Colour]]:
        names, colours = self._classes(SEG)
        present = set().union(*(np.unique(mask).tolist() for mask in masks))
        return [(names[k], colours[k]) for k in sorted(present)
                if k < len(names) and names[k] != 'background']


def _stacked(lines: Sequence[Picture], gap: int = 8) -> Picture:
    """Rows of panels below one another, on white."""
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, gap), (0, width - line.shape[1]), (0, 0)),
                     constant_values=255) for line in lines]
    return np.concatenate(padded)[:-gap]


def _has_prediction(sample: Any) -> bool:
    return 'pred_instances' in sample or 'pred_sem_seg' in sample


def _title(sample: Any) -> str:
    """Of the first panel of predictions: the tasks that it shows."""
    shown = [task for task, key in ((DET, 'pred_instances'),
                                    (SEG, 'pred_sem_seg')) if key in sample]
    return f'Prediction: {", ".join(shown)}' if shown else 'Prediction'


def _enlarge(image: Picture, scale: float) -> Picture:
    if scale == 1:
        return np.ascontiguousarray(image)
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _mask(sample: Any, field: str) -> NDArray | None:
    """(H, W) uint8 label map, or None where the sample has none."""
    if field not in sample:
        return None
    data = sample.get(field)
    labels = _array(data.sem_seg if 'sem_seg' in data else data.data)
    return labels.reshape(labels.shape[-2:]).clip(0, 255).astype(np.uint8)


def _array(values: Any) -> NDArray:
    values = getattr(values, 'tensor', values)
    return np.asarray(values.detach().cpu().numpy())
