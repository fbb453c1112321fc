import torch
from mmdet.structures import DetDataSample

from mmmultas.models.multitask.samples import labelled_rows, mirror_images
from mmmultas.testing import toy_batch


def test_which_samples_are_labelled():
    kinds = [('det', ), (), ('det', 'seg')]
    samples = dict(a=toy_batch(kinds, 3)['data_samples'],
                   b=toy_batch((), 1)['data_samples'])
    assert labelled_rows(samples, ['det', 'seg', 'depth']) == dict(
        det=dict(a=[0, 2], b=[]), seg=dict(a=[2], b=[]),
        depth=dict(a=[], b=[]))


def test_heads_do_not_learn_from_second_views_unless_they_are_told():
    batch = toy_batch(('seg', ), 3)['data_samples']
    batch[1].set_metainfo(dict(supervised=False))
    batch[2].set_metainfo(dict(supervised=True))
    assert labelled_rows(dict(a=batch), ['seg']) == dict(seg=dict(a=[0, 2]))


def test_padding_stays_where_it_is():
    inputs = torch.arange(8.).reshape(1, 1, 2, 4)
    sample = DetDataSample(metainfo=dict(img_shape=(1, 3)))
    assert mirror_images(inputs, [sample]).flatten().tolist() == [
        2, 1, 0, 3, 4, 5, 6, 7]
