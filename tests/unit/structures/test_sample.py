import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.structures import has_task, sem_seg_data
from mmmultas.utils.errors import ConfigError


def test_no_boxes_and_not_annotated_are_different():
    empty = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    annotated = DetDataSample(metainfo=dict(tasks=('det', )))
    withheld = DetDataSample(metainfo=dict(tasks=('seg', )))
    annotated.gt_instances = withheld.gt_instances = empty
    assert has_task(annotated, 'det') and not has_task(withheld, 'det')
    assert not has_task(DetDataSample(metainfo=dict(tasks=())), 'det')


def test_silence_is_no_answer():
    packed = DetDataSample(metainfo=dict(img_path='a.jpg'))
    with pytest.raises(ConfigError, match='a.jpg does not say .*PackInputs'):
        has_task(packed, 'det')


def test_both_names_are_one_tensor():
    data = sem_seg_data(torch.ones(4, 6).long())
    assert data.data is data.sem_seg and data.sem_seg.shape == (1, 4, 6)
