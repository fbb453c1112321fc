import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

HEADS = dict(seg=dict(type='mmmultas.CAMHead', num_classes=3, in_channels=8,
                      loss_recam_weight=1.))
NAMES = dict(det=dict(classes=('square', 'bar')),
             seg=dict(classes=('background', 'bar', 'square')))


def build(**kwargs):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='mmmultas.CAMClassifier',
        backbone=dict(type='mmmultas.ToyBackbone'), heads=HEADS) | kwargs)


def update(model, batch):
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.1))
    logs = model.train_step(batch, optim)
    return logs, torch.cat([p.flatten() for p in model.parameters()])


def test_boxes_and_masks_say_the_same():
    model = build()
    model.meet(NAMES, 1, 1)
    sample = toy_batch(('det', 'seg'), 1)['data_samples'][0]
    found = []
    for tasks in ('det', ), ('seg', ):
        one = sample.clone()
        one.set_metainfo(dict(tasks=tasks))
        if 'seg' in tasks:  # numbers of the names above
            one.gt_sem_seg = sem_seg_data(
                torch.tensor([0, 2, 1])[one.gt_sem_seg.sem_seg.long()])
        found.append(model.image_classes([one])[0].tolist())
    labels = set(sample.gt_instances.labels.tolist())
    assert found == [[[1 in labels, 0 in labels]]] * 2


def test_what_is_not_known_of_an_image():
    model = build()
    model.meet(NAMES, 1, 1)
    sample = toy_batch(('det', ), 1)['data_samples'][0]

    def boxes(*labels):
        return InstanceData(bboxes=torch.zeros(len(labels), 4),
                            labels=torch.tensor(labels).long())

    sample.gt_instances = boxes(1)
    sample.lost_instances = boxes(0)  # a part of it may be in view
    sample.ignored_instances = boxes(1)
    shows, known = model.image_classes([sample])
    assert shows.tolist() == [[True, False]]
    assert known.tolist() == [[True, False]]
    sample.lost_instances = boxes()
    sample.set_metainfo(dict(annotated=dict(det=(1, ))))
    assert model.image_classes([sample])[1].tolist() == [[True, False]]
    # a pixel class that no box could show
    model.match_classes(('bar', 'x'), NAMES['seg']['classes'])
    assert model.image_classes([sample])[1].tolist() == [[False, False]]


def test_an_update_of_both_streams():
    batch = dict(a=toy_batch(('det', ), 2), b=toy_batch(('seg', ), 2),
                 c=toy_batch((), 1))
    logs, _ = update(build(), batch)
    assert set(logs) == {'loss', 'seg.loss_cls', 'seg.loss_recam'}
    model = build().eval()
    sample = model.val_step(toy_batch((), 1))[0]
    assert sample.pred_sem_seg.sem_seg.shape == (1, 64, 64)
    logs, _ = update(build(), dict(c=toy_batch((), 1)))
    assert logs['loss'] == 0


def test_withheld_labels_and_places_of_objects_change_nothing():
    def shown(change):
        batch = dict(a=toy_batch(('det', 'seg'), 2, seed=4))
        for sample in batch['a']['data_samples']:
            sample.set_metainfo(dict(tasks=('det', )))
            change(sample)
        return update(build(), copy.deepcopy(batch))[1]

    def withheld(sample):
        sample.gt_sem_seg = sem_seg_data(
            torch.randint(0, 3, (1, 64, 64), dtype=torch.uint8))

    def moved(sample):
        sample.gt_instances.bboxes += 3

    plain = shown(lambda sample: None)
    assert torch.equal(plain, shown(withheld))
    assert torch.equal(plain, shown(moved))

    def other(sample):
        sample.gt_instances.labels[:] = 1 - sample.gt_instances.labels

    assert not torch.equal(plain, shown(other))


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match='is one mmmultas.CAMHead'):
        build(heads=toy_model(('seg', ))['heads'])
    with pytest.raises(ConfigError, match='share no class'):
        build().meet(dict(NAMES, det=dict(classes=('x', 'y'))), 1, 1)
    with pytest.raises(ConfigError, match=r"boxes \('cars'\) or .* det: add"):
        build(boxes='cars').meet(dict(NAMES, tasks=('det', )), 1, 1)
    # without names of pixels: their order
    model = build()
    model.meet(dict(det=NAMES['det']), 1, 1)
    assert model._pixel == (1, 2)
    assert build(classes=dict(x='bar')).match_classes(
        ('x', 'y'), NAMES['seg']['classes']) == (1, -1)


def test_second_views_teach_where_they_may():
    samples = toy_batch(('det', ), 2)['data_samples']
    samples[1].set_metainfo(dict(supervised=False))
    assert build().labelled(dict(a=samples)) == dict(seg=dict(a=[0]))
