import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.structures import has_task, sem_seg_data


def test_tasks_are_read_and_emptiness_is_not():
    sample = DetDataSample(metainfo=dict(tasks=('seg', )))
    sample.gt_instances = InstanceData(bboxes=torch.ones(3, 4))
    assert not has_task(sample, 'det')
    assert has_task(sample, 'seg')
    negative = DetDataSample(metainfo=dict(tasks=('det', )))
    negative.gt_instances = InstanceData(bboxes=torch.zeros(0, 4))
    assert has_task(negative, 'det')


def test_sample_without_the_field_is_not_annotated():
    assert not has_task(DetDataSample(), 'det')


def test_label_map_under_both_names():
    labels = torch.arange(6).reshape(1, 2, 3)
    data = sem_seg_data(labels)
    assert data.sem_seg is data.data
    assert torch.equal(data.data, labels)
    assert sem_seg_data(labels[0]).data.shape == (1, 2, 3)
