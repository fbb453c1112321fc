import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.structures import has_task, sem_seg_data


def test_no_boxes_and_not_annotated_are_different():
    empty = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    annotated = DetDataSample(metainfo=dict(tasks=('det', )))
    withheld = DetDataSample(metainfo=dict(tasks=('seg', )))
    annotated.gt_instances = withheld.gt_instances = empty
    assert has_task(annotated, 'det') and not has_task(withheld, 'det')
    assert not has_task(DetDataSample(), 'det')


def test_both_names_are_one_tensor():
    data = sem_seg_data(torch.ones(4, 6).long())
    assert data.data is data.sem_seg and data.sem_seg.shape == (1, 4, 6)
