"""Kinds of mistakes of one detector or several, from their saved boxes."""
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmmultas.evaluation.tide import (ERRORS, ImageBoxes, TideErrors,
                                      tide_errors)
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.visualization.charts import draw_bars

from .pr_curves import boxes_of
from .saved_predictions import SavedPredictions, labelled_samples

__all__ = ['errors_of', 'names_of', 'plot_errors', 'write_errors']


def names_of(paths: list[str]) -> list[str]:
    """What to call each file: its name, with folders where names repeat.

    Example:
        >>> names_of(['a/boxes.json', 'b/boxes.json'])
        ['a/boxes', 'b/boxes']
    """
    parts = [Path(path).resolve().with_suffix('').parts for path in paths]
    length = 1
    while length < max(map(len, parts)) and len(
            {part[-length:] for part in parts}) < len(parts):
        length += 1
    return ['/'.join(part[-length:]) for part in parts]


def errors_of(cfg: Mapping[str, Any],
              predictions: SavedPredictions,
              iou_thr: float = 0.5,
              task: str | None = None) -> TideErrors:
    """Analyse the boxes of a test.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote by ``--out``.
        iou_thr: The IoU from which on a box is right.
        task: Of kind boxes; None where there is one alone.

    Raises:
        ConfigError: There are no boxes, the data do not carry any, or
            ``tidecv`` is not installed.
        DataError: Predictions are missing or of other classes.
    """
    _, _, classes, samples = labelled_samples(cfg, predictions, task)
    images = []
    for sample in samples:
        found = sample.pred_instances
        images.append(
            ImageBoxes(*boxes_of(sample), found.bboxes.numpy(),
                       found.labels.numpy(), found.scores.numpy()))
    return tide_errors(images, classes, iou_thr)


def write_errors(results: Mapping[str, TideErrors], path: str | Path) -> None:
    """Write the errors of each detector as JSON, by its name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: found.as_dict() for name, found in results.items()}
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1))


def plot_errors(results: Mapping[str, TideErrors], path: str | Path) -> None:
    """Draw the errors of each detector side by side."""
    main, special = ERRORS[:-2], ERRORS[-2:]
    panels = {
        title: {
            run: {name: found.dap[name] for name in names}
            for run, found in results.items()
        }
        for title, names in (('errors', main),
                             ('all wrong, all missing', special))
    }
    limit = next(iter(results.values())).iou_thr
    draw_bars(panels, path, f'dAP at IoU {limit:g}, percent points')
