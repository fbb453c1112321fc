"""Whether boxes and masks teach one another, by the names of their classes."""
from collections.abc import Sequence

from mmmultas.structures import CLASSES

from .labels import LabelFound
from .matching import some
from .project import Project

__all__ = ['WEAK_LOSSES', 'choose_weak_losses']

#: Those of the template that have proved to help (benchmarks/README.md).
WEAK_LOSSES = ('b4m', 'm4b')


def choose_weak_losses(project: Project,
                       further: Sequence[LabelFound]) -> None:
    """Switch them on where boxes and masks share a class.

    Args:
        project: Has the classes of its values; gets ``weak_losses``, and a
            fact where there are boxes and masks.
        further: Further labels.
    """
    boxes = list(project.values.get('det_classes', ()))
    pixels = list(project.values.get('seg_classes', ()))
    for one in further:
        if one.boxes:
            boxes += [n for part in one.boxes for n in part.counts]
        elif one.label.kind == CLASSES and one.legend is not None:
            pixels += one.legend.names
    if not boxes or not pixels:
        return
    shared = [name for name in dict.fromkeys(boxes) if name in pixels]
    if shared:
        project.values['weak_losses'] = WEAK_LOSSES
        fact = (f'both have {some(shared)}, so they teach one another: '
                '`weak_losses` in the config; an update takes a quarter '
                'longer')
    else:
        fact = (f'no class of boxes ({some(boxes)}) has the name of one of '
                f'masks ({some(pixels)}), so they do not teach one another; '
                'docs/weak_losses.md tells how to join other names')
    project.facts.append(('boxes and masks', [fact]))
