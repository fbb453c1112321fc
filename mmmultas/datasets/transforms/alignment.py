"""Which transforms of others move image and labels apart.

The lists hold what is refused; a test holds them against every transform of
the installed MMCV, MMDetection and MMSegmentation, by what it does to a
painted picture.
"""
from collections.abc import Container

from mmmultas.structures import DET, SEG

__all__ = [
    'BLIND', 'HISTORY', 'MOVES', 'STRETCHES', 'blind_to', 'keeps_history',
    'loses_view'
]

_MASK, _BOXES = 'masks', 'boxes'

#: Transform → what it leaves behind where it moves the image (or, of
#: SegRescale, what it moves away from the image).
BLIND: dict[str, str] = {
    'mmdet.CachedMixUp': _MASK,
    'mmdet.CachedMosaic': _MASK,
    'mmdet.CopyPaste': _MASK,
    'mmdet.InstaBoost': _MASK,
    'mmdet.MixUp': _MASK,
    'mmdet.Mosaic': _MASK,
    'mmdet.RandomAffine': _MASK,
    'mmdet.RandomCenterCropPad': _MASK,
    'mmdet.RandomShift': _MASK,
    'mmdet.SegRescale': _MASK,
    'mmcv.CenterCrop': _BOXES,
    'mmcv.RandomFlip': _BOXES,
    'mmcv.Resize': _BOXES,
    'mmseg.RandomCrop': _BOXES,
    'mmseg.RandomFlip': _BOXES,
    'mmseg.RandomMosaic': _BOXES,
    'mmseg.RandomRotFlip': _BOXES,
    'mmseg.RandomRotate': _BOXES,
    'mmseg.Resize': _BOXES,
    'mmseg.ResizeToMultiple': _BOXES,
    'mmseg.SegRescale': _MASK,
}
#: Transforms whose output depends on samples made before.
HISTORY = frozenset({'mmdet.CachedMixUp', 'mmdet.CachedMosaic'})

#: Transforms that move the image: they know one mask and one set of boxes,
#: and no label of any other task. (Those around others are looked into.)
MOVES = frozenset({
    'mmcv.CenterCrop', 'mmcv.Pad', 'mmcv.RandomChoiceResize',
    'mmcv.RandomFlip', 'mmcv.RandomResize', 'mmcv.Resize',
    'mmdet.AutoAugment', 'mmdet.CopyPaste', 'mmdet.Expand',
    'mmdet.FixScaleResize', 'mmdet.FixShapeResize', 'mmdet.InstaBoost',
    'mmdet.MinIoURandomCrop', 'mmdet.MixUp', 'mmdet.CachedMixUp',
    'mmdet.CachedMosaic', 'mmdet.Mosaic', 'mmdet.Pad', 'mmdet.RandAugment',
    'mmdet.RandomAffine', 'mmdet.RandomCenterCropPad', 'mmdet.RandomCrop',
    'mmdet.RandomFlip', 'mmdet.RandomFlip_GLIP', 'mmdet.RandomShift',
    'mmdet.Resize', 'mmdet.ResizeShortestEdge', 'mmdet.Rotate',
    'mmdet.ShearX', 'mmdet.ShearY', 'mmdet.TranslateX', 'mmdet.TranslateY',
    'mmseg.RandomCrop', 'mmseg.RandomFlip', 'mmseg.RandomMosaic',
    'mmseg.RandomRotFlip', 'mmseg.RandomRotate', 'mmseg.Resize',
    'mmseg.ResizeShortestEdge', 'mmseg.ResizeToMultiple'
})

#: Those of them after which the whole frame still shows the picture, and all
#: boxes that are partly in view are there. (They know no crop made before.)
STRETCHES = frozenset({
    'mmcv.RandomChoiceResize', 'mmcv.RandomFlip', 'mmcv.RandomResize',
    'mmcv.Resize', 'mmdet.FixScaleResize', 'mmdet.FixShapeResize',
    'mmdet.RandomCrop', 'mmdet.RandomFlip', 'mmdet.Resize',
    'mmdet.ResizeShortestEdge'
})

_TASKS = {_MASK: SEG, _BOXES: DET}


def blind_to(kind: type, tasks: tuple[str, ...]) -> str | None:
    """What a transform loses of the labels that ``tasks`` has.

    'masks', 'boxes', or the name of a task beside 'det' and 'seg'.

    Args:
        kind: Class of the transform; a subclass counts as its parent.
        tasks: Labels that the samples carry.

    Example:
        >>> from mmmultas.utils.quiet import import_stock
        >>> import_stock()  # without its remarks
        >>> from mmdet.datasets.transforms import RandomAffine, Resize
        >>> blind_to(RandomAffine, ('det', 'seg')), blind_to(Resize, ('seg',))
        ('masks', None)
        >>> blind_to(RandomAffine, ('det',)) is None
        True
    """
    others = [task for task in tasks if task not in (DET, SEG)]
    if others and _first(kind, MOVES) is not None:
        return others[0]
    left = _first(kind, BLIND)
    if left is None or _TASKS[BLIND[left]] not in tasks:
        return None
    return BLIND[left]


def loses_view(kind: type, cut: bool) -> bool:
    """Whether a transform of others makes ``visible`` and ``lost`` wrong.

    Args:
        kind: Class of the transform; a subclass counts as its parent.
        cut: Whether a crop of this package stands before it.
    """
    moves = _first(kind, MOVES)
    return moves is not None and (cut or moves not in STRETCHES)


def keeps_history(kind: type) -> bool:
    """Whether a transform's output depends on samples made before."""
    return _first(kind, BLIND) in HISTORY


def _first(kind: type, table: Container[str]) -> str | None:
    """The nearest parent that the packages themselves register.

    A subclass in one of the packages (mmdet's Resize of mmcv's) is what it
    is there, a user's subclass is taken for its parent.
    """
    for parent in kind.__mro__:
        package = parent.__module__.split('.')[0]
        if package in ('mmdet', 'mmseg', 'mmcv'):
            name = f'{package}.{parent.__name__}'
            return name if name in table else None
    return None
