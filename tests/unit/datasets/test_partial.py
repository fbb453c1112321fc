import json

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.datasets.partial import PartialDataset, mmseg_lut
from mmmultas.registry import DATASETS, EVALUATOR
from mmmultas.utils.errors import ConfigError, DataError

PIPELINE = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]


@pytest.fixture(params=['mmdet', 'mmseg', 'mmengine'])
def scope(request):
    with DefaultScope.overwrite_default_scope(request.param):
        yield request.param


@pytest.fixture
def mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def partial(dataset, tasks, **kwargs):
    built = DATASETS.build(
        dict(
            type='mmmultas.PartialDataset',
            dataset=dataset,
            tasks=tasks,
            pipeline=PIPELINE,
            **kwargs))
    assert isinstance(built, PartialDataset)
    built.full_init()
    return built


def coco(devkit, **kwargs):
    """Two images; the second shows nothing."""
    folder = devkit.root / 'VOC2012'
    annotation = dict(
        images=[
            dict(id=i, file_name=f'{name}.jpg', height=40, width=60)
            for i, name in enumerate('ab')
        ],
        categories=[dict(id=3, name='cat'),
                    dict(id=7, name='dog')],
        annotations=[
            dict(
                id=1,
                image_id=0,
                category_id=7,
                bbox=[44, 5, 10, 10],
                area=100,
                iscrowd=0),
            dict(
                id=2,
                image_id=0,
                category_id=3,
                bbox=[10, 5, 30, 25],
                area=750,
                iscrowd=1)
        ])
    (folder / 'coco.json').write_text(json.dumps(annotation))
    return dict(
        type='mmdet.CocoDataset',
        data_root=str(folder),
        ann_file='coco.json',
        metainfo=dict(classes=('cat', 'dog')),
        data_prefix=dict(img='JPEGImages/', seg='SegmentationClass/'),
        pipeline=[dict(type='DoesNotExist')],
        **kwargs)


def seg(devkit, kind='mmseg.BaseSegDataset', **kwargs):
    classes = ('background', *(f'c{i}' for i in range(1, 21)))
    return dict(
        type=kind,
        data_root=str(devkit.root / 'VOC2012'),
        ann_file=str(devkit.root / 'VOC2012/ids.txt'),
        metainfo=kwargs.pop('metainfo', dict(classes=classes)),
        data_prefix=dict(
            img_path='JPEGImages', seg_map_path='SegmentationClass'),
        pipeline=[dict(type='DoesNotExist')],
        **kwargs)


def voc_values(devkit):
    from PIL import Image
    with Image.open(devkit.root / 'VOC2012/SegmentationClass/a.png') as mask:
        return np.array(mask)


def test_mmdet_coco_boxes(devkit, mmdet_scope):
    data = partial(coco(devkit), 'det')
    info = data.get_data_info(0)
    assert info['instances'] == [
        dict(bbox=[44, 5, 54, 15], bbox_label=1, ignore_flag=0),
        dict(bbox=[10, 5, 40, 30], bbox_label=0, ignore_flag=1)
    ]
    assert 'seg_map_path' not in info and info['tasks'] == ('det', )
    sample = data[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [1]
    assert sample.ignored_instances.labels.tolist() == [0]
    assert 'gt_sem_seg' not in sample
    assert data[1]['data_samples'].gt_instances.bboxes.shape == (0, 4)
    assert data.metainfo['det']['classes'] == ('cat', 'dog')


def test_mmdet_coco_with_both_labels(devkit, mmdet_scope):
    names = ('background', *(f'c{i}' for i in range(1, 21)))
    data = partial(coco(devkit), ('det', 'seg'), classes=dict(seg=names))
    sample = data[0]['data_samples']
    assert sample.metainfo['tasks'] == ('det', 'seg')
    assert (sample.gt_sem_seg.data[0].numpy() == voc_values(devkit)).all()
    assert data.metainfo['seg']['classes'] == names


def test_mmdet_voc(devkit, mmdet_scope):
    data = partial(
        dict(
            type='VOCDataset',
            data_root=str(devkit.root),
            ann_file='VOC2012/ids.txt',
            data_prefix=dict(sub_data_root='VOC2012/')), 'det')
    ours = DATASETS.build(
        dict(
            type='mmmultas.VOCDataset',
            data_root=str(devkit.root),
            subsets=[dict(root='VOC2012', ids='ids.txt')],
            use_difficult=False,
            tasks='det'))
    assert data.get_data_info(1)['instances'] == ours.get_data_info(
        1)['instances']


@pytest.mark.parametrize('kind', ['mmseg.BaseSegDataset', 'BaseSegDataset'])
def test_mmseg_in_any_default_scope(devkit, scope, kind):
    data = partial(seg(devkit, kind), 'seg')
    sample = data[0]['data_samples']
    assert (sample.gt_sem_seg.data[0].numpy() == voc_values(devkit)).all()
    assert 'gt_instances' not in sample
    assert DefaultScope.get_current_instance().scope_name == scope


def test_mmseg_reduce_zero_label(devkit, mmdet_scope):
    names = tuple(f'c{i}' for i in range(1, 21))
    data = partial(
        seg(devkit, reduce_zero_label=True, metainfo=dict(classes=names)),
        'seg')
    values = voc_values(devkit)
    expected = np.where((values == 0) | (values == 255), 255, values - 1)
    out = data[0]['data_samples'].gt_sem_seg.data[0].numpy()
    assert (out == expected).all()


def test_mmseg_label_map_then_ours(devkit, mmdet_scope):
    kept = ('dog', 'background', 'cat')  # mmseg maps the others to 255
    data = partial(
        seg(devkit,
            'mmseg.PascalVOCDataset',
            metainfo=dict(classes=list(kept))),
        'seg',
        label_map=dict(seg={
            'dog': 'pet',
            'cat': 'pet'
        }))
    lut = data.get_data_info(0)['seg_lut']
    assert data.metainfo['seg']['classes'] == ('pet', 'background')
    assert lut[[0, 8, 12, 1, 20, 255]].tolist() == [1, 0, 0, 255, 255, 255]


@pytest.mark.parametrize('reduce', [False, True])
@pytest.mark.parametrize('mapping', [None, {0: 1, 1: 255, 2: 0}])
def test_mmseg_lut_against_mmseg(tmp_path, reduce, mapping):
    import cv2
    from mmseg.datasets.transforms import LoadAnnotations
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    cv2.imwrite(str(tmp_path / 'x.png'), values)
    theirs = LoadAnnotations()(
        dict(
            seg_map_path=str(tmp_path / 'x.png'),
            label_map=mapping,
            reduce_zero_label=reduce,
            seg_fields=[]))['gt_seg_map'].ravel()
    ours = mmseg_lut(3, mapping, reduce)
    valid = (theirs < 3) | (theirs == 255)
    valid[255] = True  # of one that is reduced, mmseg makes 255 again
    assert (ours[valid] == theirs[valid]).all()
    assert (ours[~valid] == 254).all()


def test_own_data_set_loses_what_is_withheld(devkit):
    both = dict(
        type='mmmultas.VOCDataset',
        data_root=str(devkit.root),
        subsets=[dict(root='VOC2012', ids='ids.txt')],
        tasks=('det', 'seg'))
    data = partial(both, 'seg', label_map=dict(seg='groups4'))
    info = data.get_data_info(0)
    assert 'instances' not in info and info['seg_lut'][8] == 2
    assert info['img_id'] == 'a' and info['height'] == 40
    assert len(data) == 3 and 'det' not in data.metainfo


def test_merged_boxes(devkit, mmdet_scope):
    data = partial(
        coco(devkit), 'det', label_map=dict(det={
            'dog': 'cat',
            'cat': None
        }))
    labels = [i['bbox_label'] for i in data.get_data_info(0)['instances']]
    assert labels == [0] and data.metainfo['det']['classes'] == ('cat', )


def test_wrapped_data_sets(devkit, mmdet_scope):
    twice = dict(
        type='ConcatDataset', datasets=[coco(devkit), coco(devkit)])
    data = partial(twice, 'det')
    assert len(data) == 4 and data[2]['data_samples'].metainfo['img_id'] == 0


def test_coco_ap_of_perfect_predictions(devkit, mmdet_scope):
    """COCO's evaluator finds the images by the numbers of its file."""
    data = partial(coco(devkit), 'det')
    evaluator = EVALUATOR.build(
        dict(
            type='mmmultas.TaskEvaluator',
            task='det',
            metrics=dict(
                type='mmdet.CocoMetric',
                metric='bbox',
                ann_file=str(devkit.root / 'VOC2012/coco.json'))))
    evaluator.dataset_meta = data.metainfo
    samples = [data[i]['data_samples'] for i in range(len(data))]
    for sample in samples:
        sample.pred_instances = sample.gt_instances.clone()
        sample.pred_instances.scores = torch.ones(len(sample.gt_instances))
        sample.set_metainfo(dict(scale_factor=(1, 1)))
    evaluator.process(samples)
    scores = evaluator.evaluate()
    assert scores['coco/bbox_mAP_50'] == 1


@pytest.mark.parametrize('tasks, count', [('seg', 2), ('det', 1)])
def test_withheld_boxes_do_not_choose_the_images(devkit, mmdet_scope, tasks,
                                                 count):
    cfg = coco(devkit, filter_cfg=dict(filter_empty_gt=True))
    classes = ('background', *(f'c{i}' for i in range(1, 21)))
    data = partial(cfg, tasks, classes=dict(seg=classes))
    assert len(data) == count


def test_refetch(devkit, mmdet_scope):
    data = partial(coco(devkit), 'det')
    data.pipeline = lambda record: record if record['img_id'] == 1 else None
    assert data[0]['img_id'] == 1
    data.pipeline = lambda record: None
    with pytest.raises(ConfigError, match='returned None for 101'):
        data[0]


def test_errors(devkit, mmdet_scope):
    with pytest.raises(ConfigError, match=r'classes=dict\(seg='):
        partial(coco(devkit), ('det', 'seg'))
    with pytest.raises(DataError, match="no 'instances' for .*a.jpg"):
        partial(seg(devkit), ('det', 'seg'))
    with pytest.raises(ConfigError, match='depth'):
        partial(coco(devkit), 'depth')
    no_masks = dict(coco(devkit), data_prefix=dict(img='JPEGImages/'))
    with pytest.raises(DataError, match="no 'seg_map_path'"):
        partial(no_masks, ('det', 'seg'), classes=dict(seg=('a', 'b')))
    for serialize in (True, False):
        with pytest.raises(DataError, match='has no images'):
            empty = coco(devkit, indices=0, serialize_data=serialize)
            partial(empty, 'det')
    with pytest.raises(DataError, match='CocoDataset lacks a file .*gone'):
        partial(dict(coco(devkit), ann_file='gone.json'), 'det')


def test_classes_that_nobody_looked_for(devkit, mmdet_scope):
    data = partial(coco(devkit), 'det', annotated=dict(det=('dog', )))
    info = data.get_data_info(0)
    assert info['annotated'] == dict(det=(1, ))
    assert [thing['bbox_label'] for thing in info['instances']] == [1]
    inner = dict(
        type='mmmultas.VOCDataset', data_root=str(devkit.root),
        subsets=[dict(root='VOC2012', ids='ids.txt')], tasks=('det', ),
        annotated=dict(det=('cat', )))
    with pytest.raises(ConfigError, match='give that to the PartialDataset'):
        partial(inner, 'det')
