"""Grad-CAM of the single-task and the joint runs, side by side."""
from collections.abc import Mapping, Sequence

import numpy as np

from mmmultas.analysis.grad_cam import CamTarget, explain
from mmmultas.analysis.grad_cam_pictures import CamFigure, draw_explanation
from mmmultas.apis.image_sources import Source
from mmmultas.apis.inferencer import MultiTaskInferencer
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError, UserError
from mmmultas.utils.progress import progress
from mmmultas.utils.run_files import chosen_checkpoint
from mmmultas.visualization.drawing import Picture

from .blocks import Block, Gallery, Panel, Skipped, Text
from .collect import Run
from .judged import Truth, TruthImage
from .pictures import Changed, Pair, jpeg_of, read_picture

__all__ = ['cam_blocks', 'largest_class']

LAYER = 'neck'
_WORDS = {DET: 'box', SEG: 'pixels'}


def cam_blocks(pair: Pair, images: Sequence[Changed], truth: Truth,
               limit: int = 3) -> list[Block]:
    """Where scores come from, for a few of the pictures.

    Args:
        pair: The runs.
        images: Those of the pictures, the greatest change first.
        truth: Labels of the test, for the classes.
        limit: Images that are explained.
    """
    chosen = [(one.image, name) for one in images
              if (name := largest_class(one.image, truth))][:limit]
    if not chosen:
        return [Skipped('No Grad-CAM: none of the pictures has a labelled '
                        'object.')]
    blocks: list[Block] = [
        Text('Where the scores come from (Grad-CAM)', 'head'),
        Text('Which places raise the score of the best box, or those of the '
             'pixels, of the class of the largest object, seen from the '
             f'layer “{LAYER}”; each map is divided by its own maximum, so '
             'that colours compare places, not models; one without any such '
             'place stays blue.')
    ]
    try:
        models = {run.name: MultiTaskInferencer(_checkpoint(run))
                  for run in [*pair.single.values(), pair.multi]}
        for image, name in progress(chosen, what='Grad-CAM'):
            blocks.append(_gallery(image, name, pair, models))
    except UserError as error:
        blocks.append(Skipped(f'No Grad-CAM: {error}'))
    return blocks


def largest_class(image: TruthImage, truth: Truth) -> str | None:
    """Name of the class of the largest labelled object.

    Of pixels, where the image has no boxes: of the most frequent class
    that is not the background.
    """
    sizes = np.prod(image.boxes[:, 2:] - image.boxes[:, :2], axis=1)
    sure = np.flatnonzero(~image.hard)
    if len(sure):
        label = int(image.labels[sure[sizes[sure].argmax()]])
        return truth.classes(DET)[label]
    if image.mask is None:
        return None
    names = truth.classes(SEG)
    counts = np.bincount(image.mask.ravel(), minlength=256)[:len(names)]
    counts[[k for k, name in enumerate(names) if name == 'background']] = 0
    return names[int(counts.argmax())] if counts.any() else None


def _checkpoint(run: Run) -> str:
    if run.folder is None:
        raise DataError(f'only the result of {run.name} is here, without '
                        'its checkpoint.')
    tested = run.folder / run.facts.get('tested', '')
    return str(tested if tested.is_file() and tested.suffix == '.pth'
               else chosen_checkpoint(run.folder))


def _gallery(image: TruthImage, name: str, pair: Pair,
             models: Mapping[str, MultiTaskInferencer]) -> Gallery:
    picture = read_picture(image)
    panels = []
    for task, run in pair.single.items():
        for title, one in (('single-task', run), ('multi-task', pair.multi)):
            drawn = _panel(picture, models[one.name], task, name, title)
            if drawn is not None:
                panels.append(Panel(f'{_WORDS.get(task, task)} · {title}',
                                    jpeg=jpeg_of(drawn)))
    return Gallery(panels, f'{image.meta["img_id"]}: {name}', width=230)


def _panel(picture: Picture, model: MultiTaskInferencer, task: str,
           name: str, title: str) -> Picture | None:
    classes = list(model.meta.get(task, {}).get('classes', ()))
    if task not in model.tasks or name not in classes:
        return None
    source = Source(None, np.ascontiguousarray(picture[..., ::-1]))
    found = explain(model.model, model.pack(source), LAYER,
                    CamTarget(task, label=classes.index(name)))
    return draw_explanation(picture, found, name, title,
                            CamFigure(LAYER, side=400))
