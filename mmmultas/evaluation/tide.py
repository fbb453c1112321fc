"""What kinds of mistakes a detector loses its AP by.

Source: Bolya et al., TIDE: A General Toolbox for Identifying Object
Detection Errors, ECCV 2020, by its package ``tidecv``.
"""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError, DataError

from .tables import score_text, text_table

__all__ = ['ERRORS', 'ImageBoxes', 'TideErrors', 'tide_errors', 'tide_table']

#: Names of the paper, in its order; the last two overlap the others.
ERRORS = ('Cls', 'Loc', 'Both', 'Dupe', 'Bkg', 'Miss', 'FP', 'FN')
_SPECIAL = {'FalsePos': 'FP', 'FalseNeg': 'FN'}


class ImageBoxes(NamedTuple):
    """Truth and predictions of one image; boxes are xyxy pixels.

    Attributes:
        boxes: (M, 4), both corners inside the box.
        labels: (M,) int.
        ignored: (M,) bool, the difficult boxes.
        found: (N, 4) predicted boxes.
        found_labels: (N,) int.
        scores: (N,).
    """
    boxes: NDArray
    labels: NDArray
    ignored: NDArray
    found: NDArray
    found_labels: NDArray
    scores: NDArray


@dataclass(frozen=True)
class TideErrors:
    """Errors of one detector.

    Attributes:
        ap: AP as TIDE computes it, in percent.
        dap: By error, the AP gained if all such errors were mended, in
            percent points.
        counts: By error, how many there are; not of ``FP`` and ``FN``.
        iou_thr: The IoU from which on a box is right.
        unjudged: Predictions of classes without ground truth, left out.
    """
    ap: float
    dap: dict[str, float]
    counts: dict[str, int]
    iou_thr: float
    unjudged: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def tide_errors(images: Iterable[ImageBoxes],
                classes: Sequence[str],
                iou_thr: float = 0.5,
                background_thr: float = 0.1) -> TideErrors:
    """Analyse the errors of a detector.

    A wrong box is *Cls* (right place, wrong class), *Loc* (right class,
    overlap between the thresholds), *Both*, *Dupe* (of a box found by a
    better one) or *Bkg* (nothing there); a box that none of these could mend
    is *Miss*. *FP* and *FN*: all wrong boxes, all boxes not found.

    The AP is TIDE's, not that of :class:`VOCDetMetric`, as in the papers:
    precision at 101 recalls as COCO does; a detection takes the best box
    that is still free (ours: the best, free or not) and an overlap equal to
    the threshold suffices (ours: must be greater); a detection of which more
    than half lies in a difficult box of its class is left out (ours: one
    that overlaps it most, by more than the threshold). Widths are
    ``x2 - x1 + 1`` in both, so that the overlaps agree. Predictions of a
    class without ground truth are left out, since TIDE would count the class
    with an AP of 0; then both are means over the same classes.

    Args:
        images: The images of the data set.
        classes: Names of the classes.
        iou_thr: The IoU from which on a box is right.
        background_thr: The IoU up to which there is nothing.

    Raises:
        ConfigError: ``tidecv`` is not installed, or a threshold is wrong.
        DataError: There is nothing to analyse.
    """
    if not 0 <= background_thr < iou_thr < 1:
        raise ConfigError('TIDE wants 0 <= background threshold < IoU '
                          f'threshold < 1, not {background_thr} and '
                          f'{iou_thr}.')
    images = list(images)
    truth, found, unjudged = _as_tide(images, classes)
    run_class = _tidecv().quantify.TIDERun
    try:
        # not its class TIDE, which restyles all later charts
        run = run_class(truth, found, iou_thr, background_thr, 'bbox',
                        max([len(i.found) for i in images], default=0))
        main, special = run.fix_main_errors(), run.fix_special_errors()
    except ZeroDivisionError as error:
        raise DataError('There is nothing to analyse: none of the predicted '
                        'boxes can be judged.') from error
    dap = {error.short_name: float(v) for error, v in main.items()}
    dap |= {_SPECIAL[error.short_name]: float(v)
            for error, v in special.items()}
    return TideErrors(
        float(run.ap), {name: dap[name] for name in ERRORS}, _counts(run),
        iou_thr, unjudged)


def tide_table(results: Mapping[str, TideErrors]) -> str:
    """One line per detector, errors as dAP in percent points."""
    first = next(iter(results.values()))
    rows = [(name, score_text(found.ap),
             *(score_text(found.dap[error]) for error in ERRORS))
            for name, found in results.items()]
    return text_table(
        ('predictions', f'AP{100 * first.iou_thr:g}', *ERRORS), rows)


def _counts(run: Any) -> dict[str, int]:
    counts = dict.fromkeys(ERRORS[:-2], 0)
    for error in run.errors:
        # None: left out for a difficult box
        if not hasattr(error, 'pred') or error.pred['used'] is not None:
            counts[error.short_name] += 1
    return counts


def _tidecv() -> Any:
    try:
        import tidecv.quantify
    except ImportError as error:
        raise ConfigError(
            'The error analysis needs the package tidecv and what it uses '
            f'({error}): pip install -r requirements/analysis.txt, and '
            'afterwards, where there is no libGL, pip install '
            '--force-reinstall --no-deps opencv-python-headless.') from error
    return tidecv


def _as_tide(images: Sequence[ImageBoxes],
             classes: Sequence[str]) -> tuple[Any, Any, int]:
    """TIDE's two lists, and how many predictions are in neither."""
    tide = _tidecv()
    truth, found = tide.Data('truth'), tide.Data('predictions')
    judged = np.zeros(len(classes), bool)
    for image in images:
        judged[image.labels[~image.ignored]] = True
    if not judged.any():
        raise DataError('There is nothing to analyse: the data set has no '
                        'box that is not difficult.')
    for label in np.flatnonzero(judged).tolist():
        truth.add_class(label, classes[label])
    unjudged = 0
    for number, image in enumerate(images):
        truth.add_image(number, f'image {number}')
        for box, label, hard in zip(_xywh(image.boxes),
                                    image.labels.tolist(),
                                    image.ignored.tolist()):
            add = truth.add_ignore_region if hard else truth.add_ground_truth
            add(number, label, box)
        for box, label, score in zip(_xywh(image.found),
                                     image.found_labels.tolist(),
                                     image.scores.tolist()):
            if judged[label]:
                found.add_detection(number, label, score, box)
            else:
                unjudged += 1
    return truth, found, unjudged


def _xywh(boxes: NDArray) -> list[list[float]]:
    """Corner and size, both corners inside the box."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.hstack((boxes[:, :2], boxes[:, 2:] - boxes[:, :2] + 1)).tolist()
