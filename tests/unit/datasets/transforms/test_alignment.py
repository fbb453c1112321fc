"""The tables against every transform of the installed packages."""
import random

import mmseg.datasets.transforms  # noqa: F401
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import Mosaic
from mmdet.registry import TRANSFORMS as MMDET
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import TRANSFORMS as MMCV, DefaultScope
from mmseg.registry import TRANSFORMS as MMSEG

from mmmultas.datasets.transforms.alignment import (BLIND, HISTORY, MOVES,
                                                    STRETCHES, blind_to,
                                                    keeps_history)

#: Arguments with which a transform surely does something.
ARGS = {
    'AutoAugment': dict(
        policies=[[dict(type='Rotate', prob=1., img_border_value=0)]]),
    'CachedMixUp': dict(img_scale=(96, 128)),
    'CachedMosaic': dict(img_scale=(96, 128)),
    'CenterCrop': dict(crop_size=80),
    'Compose': dict(transforms=[dict(type='RandomFlip', prob=1.)]),
    'CutOut': dict(n_holes=2, cutout_shape=(8, 8)),
    'Expand': dict(prob=1., seg_ignore_label=255),
    'FixScaleResize': dict(scale=(200, 100), keep_ratio=True),
    'FixShapeResize': dict(width=200, height=150, keep_ratio=False),
    'MixUp': dict(img_scale=(96, 128)),
    'Mosaic': dict(img_scale=(96, 128)),
    'Pad': dict(size=(200, 160)),
    'RandAugment': dict(
        aug_space=[[dict(type='Rotate', prob=1., img_border_value=0)]],
        aug_num=1),
    'RandomApply': dict(transforms=[dict(type='RandomFlip', prob=1.)],
                        prob=1.),
    'RandomChoice': dict(transforms=[[dict(type='RandomFlip', prob=1.)]]),
    'RandomChoiceResize': dict(scales=[(200, 100)]),
    'RandomCrop': dict(crop_size=(60, 80)),
    'RandomCutOut': dict(prob=1., n_holes=2, cutout_shape=(8, 8)),
    'RandomErasing': dict(n_patches=2, ratio=.3),
    'RandomFlip': dict(prob=1.),
    'RandomFlip_GLIP': dict(prob=1.),
    'RandomMosaic': dict(prob=1., img_scale=(96, 128)),
    'RandomOrder': dict(transforms=[dict(type='RandomFlip', prob=1.)]),
    'RandomResize': dict(scale=(200, 100), ratio_range=(1.2, 1.5)),
    'RandomRotFlip': dict(rotate_prob=1., flip_prob=1., degree=30),
    'RandomRotate': dict(prob=1., degree=30),
    'RandomShift': dict(prob=1.),
    'Resize': dict(scale=(200, 100), keep_ratio=False),
    'ResizeShortestEdge': dict(scale=150, max_size=300),
    'ResizeToMultiple': dict(size_divisor=50),
    'Rotate': dict(prob=1., img_border_value=0),
    'SegRescale': dict(scale_factor=.5),
    'ShearX': dict(prob=1., img_border_value=0),
    'ShearY': dict(prob=1., img_border_value=0),
    'TranslateX': dict(prob=1., img_border_value=0),
    'TranslateY': dict(prob=1., img_border_value=0),
}
#: Of colours alone, but so strong that the painted object vanishes.
COLOURS = {'Brightness', 'Contrast', 'Invert', 'Solarize'}
#: Moves boxes by the pixel that GLIP's convention asks for.
GLIP = {'GTBoxSubOne_GLIP', 'RandomFlip_GLIP'}
#: Holes in the image that are none in the labels, as its authors want it.
HOLES = {'CutOut', 'RandomErasing'}
#: What cannot be tried on a painted picture: loaders, packers, films, 3D
#: volumes, line data, transforms around others, packages that are missing.
#: Those that move labels apart are in the table by reading them.
UNTRIED = {
    'Albu', 'BaseFrameSample', 'BioMedical3DPad', 'BioMedical3DRandomCrop',
    'BioMedical3DRandomFlip', 'ConcatCDInput', 'CopyPaste',
    'ImageAug', 'ImageToTensor', 'InstaBoost', 'LoadAnnotations',
    'LoadBiomedicalAnnotation', 'LoadBiomedicalData',
    'LoadBiomedicalImageFromFile', 'LoadDepthAnnotation',
    'LoadImageFromFile', 'LoadImageFromNpyFile',
    'LoadMultiChannelImageFromFiles', 'LoadMultipleRSImageFromFile',
    'LoadPanopticAnnotations', 'LoadProposals',
    'LoadSingleRSImageFromFile', 'LoadTextAnnotations',
    'MultiBranch', 'MultiScaleFlipAug', 'Normalize', 'PackDetInputs',
    'PackLineDetectionInputs', 'PackReIDInputs', 'PackSegInputs',
    'PackTrackInputs', 'ProposalBroadcaster', 'RandomCenterCropPad',
    'RandomDepthMix', 'RandomSamplingNegPos', 'TestTimeAug', 'ToTensor',
    'TransformBroadcaster', 'Transpose', 'UniformRefFrameSample',
    'WrapFieldsToLists',
}


def registered():
    found = {}
    for registry in (MMDET, MMSEG, MMCV):
        for kind in registry.module_dict.values():
            package = kind.__module__.split('.')[0]
            if package in ('mmdet', 'mmseg', 'mmcv'):
                found[f'{package}.{kind.__name__}'] = kind
    return found


def painted():
    image = np.zeros((96, 128, 3), np.uint8)
    mask = np.zeros((96, 128), np.uint8)
    image[40:70, 30:60] = 255
    mask[40:70, 30:60] = 1
    return dict(
        img=image, gt_seg_map=mask, seg_fields=['gt_seg_map'],
        gt_bboxes=HorizontalBoxes(torch.tensor([[30., 40., 60., 70.]])),
        gt_bboxes_labels=np.array([0]), gt_ignore_flags=np.array([False]),
        img_shape=(96, 128), ori_shape=(96, 128), img_path='x',
        scale_factor=(1., 1.), instances=[], dataset=None)


def lost_by(transform):
    """Labels that lie elsewhere than the painted object, over some draws."""
    lost = set()
    for seed in range(15):
        random.seed(seed)
        np.random.seed(seed)
        results = painted()
        others = 1 if type(transform).__name__ == 'MixUp' else 3
        results['mix_results'] = [painted() for _ in range(others)]
        try:
            results = transform(results)
        except Exception as error:
            # MMCV's and MMSegmentation's take plain arrays of boxes only
            assert isinstance(error, AttributeError | ValueError), error
            return {'boxes'}
        if results is None:
            continue
        image, mask = results['img'], results['gt_seg_map']
        object_ = (image if image.ndim == 2 else image[..., 0]) > 127
        if mask.shape != object_.shape or _iou(object_, mask) < .8:
            lost.add('masks')
        if object_.any() and len(results['gt_bboxes']) == 1:
            [box] = results['gt_bboxes'].tensor.numpy()
            y, x = np.where(object_)
            hull = [x.min(), y.min(), x.max() + 1, y.max() + 1]
            if np.abs(box - hull).max() > 6:
                lost.add('boxes')
    return lost


def _iou(object_, mask):
    known = mask != 255
    both = object_ & (mask == 1) & known
    either = (object_ | (mask == 1)) & known
    return both.sum() / max(either.sum(), 1)


@pytest.mark.parametrize('name', sorted(registered()))
def test_every_registered_transform(name):
    kind = registered()[name]
    short = name.partition('.')[2]
    if short in UNTRIED | COLOURS | GLIP | HOLES:
        return
    with DefaultScope.overwrite_default_scope('mmdet'):
        transform = kind(**ARGS.get(short, {}))
    lost = lost_by(transform)
    assert lost == ({BLIND[name]} if name in BLIND else set())


#: They hold others, which are looked into.
AROUND = {'Compose', 'RandomApply', 'RandomChoice', 'RandomOrder'}


def moves(transform, name):
    """Whether the painted object lies elsewhere, over some draws."""
    for seed in range(15):
        random.seed(seed)
        np.random.seed(seed)
        results = painted()
        if not name.startswith('mmdet.'):
            del results['gt_bboxes']  # of a type that they do not take
        others = 1 if type(transform).__name__ == 'MixUp' else 3
        results['mix_results'] = [painted() for _ in range(others)]
        results = transform(results)
        if results is None:
            continue
        image = results['img']
        now = (image if image.ndim == 2 else image[..., 0]) > 127
        before = painted()['img'][..., 0] > 127
        if now.shape != before.shape or (now != before).sum() > 30:
            return True
    return False


@pytest.mark.parametrize('name', sorted(registered()))
def test_what_moves_an_image(name):
    kind = registered()[name]
    short = name.partition('.')[2]
    if short in UNTRIED | COLOURS | HOLES | AROUND | {'SegRescale'}:
        return
    with DefaultScope.overwrite_default_scope('mmdet'):
        transform = kind(**ARGS.get(short, {}))
    assert moves(transform, name) == (name in MOVES)


def test_other_labels_move_with_nothing_of_others():
    for name in MOVES:
        assert blind_to(registered()[name], ('det', 'depth')) == 'depth'
    assert blind_to(MMDET.get('PhotoMetricDistortion'), ('depth', )) is None


def test_the_tables_name_what_exists():
    known = set(registered())
    assert set(BLIND) <= known and HISTORY <= set(BLIND) and MOVES <= known
    assert UNTRIED | COLOURS | GLIP | HOLES <= {
        name.partition('.')[2] for name in known}


def test_children_are_taken_for_their_parents():

    class MyMosaic(Mosaic):
        pass

    assert blind_to(MyMosaic, ('seg', )) == 'masks'
    assert blind_to(MyMosaic, ('det', )) is None
    assert not keeps_history(MyMosaic)
    assert keeps_history(MMDET.get('CachedMosaic'))
    # a child in MMDetection that moves boxes, unlike its parent in MMCV
    assert blind_to(MMDET.get('mmdet.Resize'), ('det', 'seg')) is None
    assert blind_to(int, ('det', 'seg')) is None


def test_stretches_are_among_what_moves():
    assert STRETCHES < MOVES
