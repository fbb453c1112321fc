import shutil
from itertools import islice

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from torch.utils.data import DataLoader

from mmmultas.datasets.readers import BoxLabels
from mmmultas.datasets.seeding import KeyedIndex, StreamBatchSampler
from mmmultas.datasets.transforms.packing import PackInputs
from mmmultas.registry import DATASETS
from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError

PIPELINE = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.Squash', size=48),
    dict(type='mmmultas.PhotometricJitter'),
    dict(type='mmmultas.CropExpand'),
    dict(type='mmmultas.RandomFlip'),
    dict(type='mmmultas.Squash', size=48),
    dict(type='mmmultas.PackInputs')
]


def results(tasks):
    img = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    return dict(
        img=img,
        tasks=tasks,
        img_id='a',
        ori_shape=(2, 3),
        img_shape=(2, 3),
        secret=1,
        gt_bboxes=HorizontalBoxes(torch.arange(12.).reshape(3, 4)),
        gt_bboxes_labels=np.array([4, 5, 6]),
        gt_ignore_flags=np.array([False, True, False]),
        gt_seg_map=np.uint8([[0, 1, 2], [3, 4, 255]])[:, ::-1])


def test_everything():
    given = results(('det', 'seg'))
    packed = PackInputs()(given)
    inputs, sample = packed['inputs'], packed['data_samples']
    assert inputs.dtype == torch.uint8 and inputs.is_contiguous()
    assert (inputs.permute(1, 2, 0).numpy() == given['img']).all()
    assert sample.gt_instances.labels.tolist() == [4, 6]
    assert sample.gt_instances.bboxes.tolist()[1] == [8, 9, 10, 11]
    assert sample.ignored_instances.labels.tolist() == [5]
    assert sample.gt_sem_seg.sem_seg.tolist() == [[[2, 1, 0], [255, 4, 3]]]
    assert sample.gt_sem_seg.data.dtype == torch.uint8
    assert sample.metainfo == dict(
        tasks=('det', 'seg'), img_id='a', ori_shape=(2, 3), img_shape=(2, 3))


@pytest.mark.parametrize('tasks', [(), ('det', ), ('seg', )])
def test_only_labels_that_exist(tasks):
    sample = PackInputs()(results(tasks))['data_samples']
    assert ('gt_instances' in sample) == has_task(sample, 'det')
    assert ('ignored_instances' in sample) == has_task(sample, 'det')
    assert ('gt_sem_seg' in sample) == has_task(sample, 'seg')


def voc(devkit, tasks):
    return DATASETS.build(
        dict(
            type='mmmultas.SeededDataset',
            dataset=dict(
                type='mmmultas.VOCDataset',
                data_root=str(devkit.root),
                tasks=tasks,
                subsets=[dict(root='VOC2012', ids='ids.txt')],
                pipeline=PIPELINE)))


def packed(devkit, tasks):
    dataset = voc(devkit, tasks)
    return [dataset[KeyedIndex(k % 3, k)] for k in range(24)]


def same(one, two):
    if not torch.equal(one['inputs'], two['inputs']):
        return False
    one, two = one['data_samples'], two['data_samples']
    if set(one.keys()) != set(two.keys()):
        return False
    if one.metainfo != two.metainfo:
        return False
    if 'gt_instances' in one and not torch.equal(one.gt_instances.bboxes,
                                                 two.gt_instances.bboxes):
        return False
    return 'gt_sem_seg' not in one or torch.equal(one.gt_sem_seg.data,
                                                  two.gt_sem_seg.data)


def loaded(devkit, workers):
    dataset = voc(devkit, ('det', 'seg'))
    loader = DataLoader(
        dataset,
        batch_sampler=StreamBatchSampler(dataset, 2, seed=3, drop_last=False),
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list)
    return [s for batch in islice(loader, 5) for s in batch]


@pytest.mark.parametrize('workers', [1, 2])
def test_samples_do_not_depend_on_workers(devkit, workers):
    alone, others = loaded(devkit, 0), loaded(devkit, workers)
    assert len(alone) == len(others) == 10
    assert all(same(a, b) for a, b in zip(alone, others))
    assert not any(same(a, b) for a, b in zip(alone, alone[1:]))


def spoil_boxes(devkit):
    for img_id in 'abc':
        devkit.xml(img_id, [('sofa', (1, 1, 3, 3))])


def spoil_masks(devkit):
    for img_id in 'abc':
        devkit.mask(img_id, np.full((40, 60), 255))


def remove_boxes(devkit):
    shutil.rmtree(devkit.root / 'VOC2012/Annotations')


def remove_masks(devkit):
    shutil.rmtree(devkit.root / 'VOC2012/SegmentationClass')


@pytest.mark.parametrize('tasks, withheld, read', [
    ('det', spoil_masks, spoil_boxes),
    ('det', remove_masks, spoil_boxes),
    ('seg', spoil_boxes, spoil_masks),
    ('seg', remove_boxes, spoil_masks),
])
def test_a_withheld_label_changes_nothing(devkit, tasks, withheld, read):
    before = packed(devkit, tasks)
    withheld(devkit)
    after = packed(devkit, tasks)
    assert all(same(a, b) for a, b in zip(before, after))
    read(devkit)  # the comparison can fail
    after = packed(devkit, tasks)
    assert not all(same(a, b) for a, b in zip(before, after))


def test_labels_that_were_not_loaded_are_not_dropped():
    results = dict(img=np.zeros((4, 4, 3), np.uint8), tasks=('depth', ))
    with pytest.raises(ConfigError, match="has 'depth', but .*`gt_depth`"):
        PackInputs()(dict(results))

    class PackDepth(PackInputs):
        packs = ('depth', )

    assert PackDepth()(results)['data_samples'].tasks == ('depth', )


def test_labels_of_every_kind_have_a_field():
    results = dict(
        img=np.zeros((4, 6, 3), np.uint8),
        tasks=('cars', 'parts', 'depth', 'normals'),
        kinds=dict(cars='boxes', parts='classes'),
        gt_cars=BoxLabels(
            np.float32([[0, 0, 2, 2], [1, 1, 3, 3]]), np.array([0, 1]),
            np.array([False, True])),
        gt_parts=np.ones((4, 6), np.uint8),
        gt_depth=np.ones((4, 6), np.float32),
        gt_normals=np.ones((4, 6, 3), np.float32))
    sample = PackInputs()(results)['data_samples']
    assert sample.kinds == dict(cars='boxes', parts='classes')
    assert sample.gt_cars.labels.tolist() == [0]
    assert sample.ignored_cars.bboxes.tolist() == [[1, 1, 3, 3]]
    assert sample.gt_parts.data is sample.gt_parts.sem_seg
    assert sample.gt_parts.data.shape == sample.gt_depth.data.shape == (
        1, 4, 6)
    assert sample.gt_normals.data.shape == (3, 4, 6)
    assert 'gt_instances' not in sample
