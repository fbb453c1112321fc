import copy

import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.models.distillers.pseudo import (confident_boxes,
                                               confident_pixels)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_distillation
from mmmultas.utils.errors import ConfigError


def test_boxes_above_the_score():
    found = InstanceData(
        bboxes=torch.arange(12.).reshape(3, 4),
        scores=torch.tensor([0.9, 0.5, 0.4]),
        labels=torch.tensor([1, 0, 1]))
    sure = confident_boxes(found, 0.5)
    assert sure.labels.tolist() == [1, 0]
    assert sure.bboxes.tolist() == found.bboxes[:2].tolist()


def test_pixels_above_the_probability():
    logits = torch.tensor([[3., 0.1], [0., 0.]]).reshape(1, 2, 1, 2)
    assert confident_pixels(logits, 0.8).tolist() == [[[0, 255]]]
    assert confident_pixels(logits, 0.0).tolist() == [[[0, 0]]]


def _cfg(folder, **rules):
    cfg = toy_distillation(folder)
    cfg['distiller'] = dict(pseudo_labels=rules)
    return cfg


def _build(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model.train()


def _batches():
    return dict(
        det=toy_batch(('det', ), 3), seg=toy_batch(('seg', ), 2, seed=1))


def test_only_what_is_not_labelled_is_labelled(tmp_path):
    model = _build(
        _cfg(tmp_path, det=dict(min_score=0.0), seg=dict(min_score=0.0)))
    # chosen so that the teachers are sure of something
    data = model.data_preprocessor(_batches(), True)
    truth = copy.deepcopy(data['data_samples'])
    losses = model(**data, mode='loss')
    for sample, before in zip(data['data_samples']['det'], truth['det']):
        assert 'pseudo_instances' not in sample
        assert sample.pseudo_sem_seg.sem_seg.shape == (1, 64, 64)
        assert 'gt_sem_seg' not in sample
        assert torch.equal(sample.gt_instances.bboxes,
                           before.gt_instances.bboxes)
    for sample, before in zip(data['data_samples']['seg'], truth['seg']):
        assert 'pseudo_sem_seg' not in sample
        assert 'gt_instances' not in sample
        assert torch.equal(sample.gt_sem_seg.sem_seg,
                           before.gt_sem_seg.sem_seg)
    assert {'pseudo.seg.loss_ce', 'det.loss_cls', 'seg.loss_ce'} <= set(losses)


def test_a_second_view_is_not_labelled(tmp_path):
    model = _build(_cfg(tmp_path, seg=dict(min_score=0.0)))
    data = model.data_preprocessor(_batches(), True)
    samples = data['data_samples']['det']
    samples[1].set_metainfo(dict(supervised=False))
    assert model(**data, mode='loss')['pseudo.seg.loss_ce'] > 0
    assert ['pseudo_sem_seg' in sample for sample in samples] == [
        True, False, True]


def test_the_losses_are_the_heads_own(tmp_path):
    """On images without labels they equal those of the labels written."""
    model = _build(_cfg(tmp_path, seg=dict(min_score=0.0, weight=0.5)))
    batch = dict(x=toy_batch((), 3))
    data = model.data_preprocessor(batch, True)
    probe = copy.deepcopy(model)
    losses = model(**data, mode='loss')
    assert set(losses) == {'pseudo.seg.loss_ce'}
    samples = data['data_samples']['x']
    teacher = model.teachers['seg'].members[0]
    with torch.no_grad():
        want = teacher(data['inputs']['x'], mode='tensor')['seg'].argmax(1)
    for sample, label in zip(samples, want):
        assert torch.equal(sample.pseudo_sem_seg.sem_seg[0], label)
        sample.gt_sem_seg = sample.pseudo_sem_seg
        sample.set_metainfo(dict(tasks=('seg', )))
    direct = super(type(probe), probe).loss(data['inputs'],
                                            data['data_samples'])
    torch.testing.assert_close(losses['pseudo.seg.loss_ce'],
                               0.5 * direct['seg.loss_ce'])


def test_an_image_without_a_sure_box_says_nothing(tmp_path):
    model = _build(_cfg(tmp_path, det=dict(min_score=1.0)))
    losses = model(
        **model.data_preprocessor(dict(x=toy_batch((), 2)), True),
        mode='loss')
    assert set(losses) == {'loss_unlabelled'}
    boxes = InstanceData(
        bboxes=torch.tensor([[8., 8., 28., 28.]]),
        labels=torch.tensor([1]), scores=torch.tensor([1.0]))
    head = model.teachers['det'].members[0].heads['det']
    head.predict_by_feat = lambda *a, **k: [boxes, boxes[:0]]
    data = model.data_preprocessor(dict(x=toy_batch((), 2)), True)
    losses = model(**data, mode='loss')
    assert set(losses) == {'pseudo.det.loss_cls', 'pseudo.det.loss_bbox'}
    assert losses['pseudo.det.loss_bbox'] > 0


def test_a_teacher_runs_once_for_features_and_labels(tmp_path):
    cfg = toy_distillation(tmp_path)
    cfg['distiller']['pseudo_labels'] = dict(seg=dict(min_score=0.0))
    model = _build(cfg)
    runs = []
    backbone = model.teachers['seg'].members[0].backbone
    backbone.register_forward_hook(lambda *a: runs.append(1))
    model(**model.data_preprocessor(dict(x=toy_batch((), 3)), True),
          mode='loss')
    assert len(runs) == 1
    model(**model.data_preprocessor(dict(x=toy_batch((), 3)), True),
          mode='loss')
    assert len(runs) == 2


@pytest.mark.parametrize('sees, seen', [
    # for features, for labels, each image once
    ('other', [2]), ('annotated', [4]), ('both', [4])])
def test_a_teacher_sees_no_image_of_a_mixed_stream_twice(
        tmp_path, sees, seen):
    cfg = toy_distillation(tmp_path)
    cfg['teachers']['seg']['sees'] = sees
    cfg['distiller']['pseudo_labels'] = dict(seg=dict(min_score=0.0))
    model = _build(cfg)
    runs = []
    network = model.teachers['seg'].members[0]
    network.backbone.register_forward_hook(
        lambda m, given, out: runs.append(len(given[0])))
    det, seg = toy_batch(('det', ), 2), toy_batch(('seg', ), 2)
    mixed = dict(
        inputs=[*det['inputs'], *seg['inputs']],
        data_samples=[*det['data_samples'], *seg['data_samples']])
    order = [2, 0, 3, 1]  # seg, det, seg, det
    mixed = {k: [v[i] for i in order] for k, v in mixed.items()}
    data = model.data_preprocessor(dict(x=mixed), True)
    losses = model(**data, mode='loss')
    assert runs == seen
    assert losses['kd.loss_seg'] > 0
    labelled = ['pseudo_sem_seg' in s for s in data['data_samples']['x']]
    assert labelled == [False, True, False, True]


@pytest.mark.parametrize('rules, message', [
    (dict(), 'neither `distill_losses` nor'),
    (dict(depth=dict()), "no head for 'depth'"),
    (dict(det=dict(teacher='dte')), "names 'dte'"),
    (dict(det=dict(score=0.5)), "unknown key 'score'"),
    (dict(det=dict(min_score=5)), 'min_score` must be .* 1 or less, got 5'),
    (dict(det=dict(min_score='high')), "must be a number, .*got 'high'"),
    (dict(det=dict(weight=-1)), 'weight` must be a finite number.*, got -1'),
    (dict(det=dict(weight=float('nan'))), 'weight` must be .*got nan'),
    (dict(det=None), 'pseudo_labels.det` must be a mapping'),
    (dict(det=dict(teacher=['det'])), 'names ..det.., but'),
    (dict(det=dict(teacher='seg')), "names 'heads.det', which"),
])
def test_errors(tmp_path, rules, message):
    with pytest.raises(ConfigError, match=message):
        _build(_cfg(tmp_path, **rules))


def test_other_classes(tmp_path):
    cfg = _cfg(tmp_path, seg=dict())
    cfg['architecture']['heads']['seg']['num_classes'] = 4
    with pytest.raises(ConfigError, match='has 4 classes, .* has 3'):
        _build(cfg)


def test_defeat_on_boxes_of_the_teacher(tmp_path):
    cfg = toy_distillation(tmp_path)
    del cfg['distiller']['connectors']['seg']
    cfg['distiller'].update(
        distill_losses=dict(
            loss_det=dict(type='mmmultas.DeFeat', boxes='pseudo_instances')),
        loss_forward_mappings=dict(
            loss_det=cfg['distiller']['loss_forward_mappings']['loss_det']),
        pseudo_labels=dict(det=dict(min_score=0.0, weight=0)))
    model = _build(cfg)
    losses = model(
        **model.data_preprocessor(dict(x=toy_batch((), 3)), True),
        mode='loss')
    assert set(losses) == {'kd.loss_det_fg', 'kd.loss_det_bg'}
    del cfg['distiller']['pseudo_labels']
    model = _build(cfg)
    with pytest.raises(ConfigError, match='needs a teacher'):
        model(
            **model.data_preprocessor(dict(x=toy_batch((), 3)), True),
            mode='loss')
