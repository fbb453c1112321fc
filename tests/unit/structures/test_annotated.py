import torch

from mmmultas.structures import (annotated_for, asked_boxes, joined_labels,
                                 unasked_classes)
from mmmultas.testing import toy_batch


def test_absence_is_all_classes():
    assert annotated_for({}, 'det') is None
    assert annotated_for(dict(annotated=None), 'det') is None
    meta = dict(annotated=dict(seg=[1, 2]))
    assert annotated_for(meta, 'seg') == (1, 2)
    assert annotated_for(meta, 'det') is None


def test_unasked_classes():
    metas = [dict(annotated=dict(det=(1, ))), {}]
    assert unasked_classes(metas, 'det', 3).tolist() == [
        [True, False, True], [False, False, False]]
    assert unasked_classes(metas, 'seg', 3) is None
    assert unasked_classes([], 'det', 3) is None


def test_asked_boxes():
    sample = toy_batch(('det', ), 1, seed=4)['data_samples'][0]
    sample.gt_instances.labels = torch.arange(len(sample.gt_instances)) % 2
    assert asked_boxes(sample) is sample.gt_instances
    sample.set_metainfo(dict(annotated=dict(det=(1, ))))
    assert set(asked_boxes(sample).labels.tolist()) <= {1}
    sample.gt_instances.labels[:] = 0
    assert len(asked_boxes(sample)) == 0


def test_joined_labels():
    labels = torch.tensor([[[0, 1, 2, 3, 255]], [[0, 1, 2, 3, 255]]])
    unasked = torch.tensor([[False, True, False, True], [False] * 4])
    assert joined_labels(labels, unasked, 255).tolist() == [
        [[0, 1, 2, 1, 255]], [[0, 1, 2, 3, 255]]]
