import pytest
import torch
from mmengine.registry import init_default_scope

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError, TrainingError


def _model(**kwargs):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(toy_model(**kwargs))
    model.init_weights()
    return model


def _losses(model, batch):
    data = model.data_preprocessor(batch, True)
    return model(**data, mode='loss')


def _streams(**tasks):
    return {
        name: toy_batch(kinds, seed=i)
        for i, (name, kinds) in enumerate(tasks.items())
    }


DET_KEYS = {'det.loss_cls', 'det.loss_bbox'}
SEG_KEYS = {'seg.loss_ce'}


@pytest.mark.parametrize('tasks, keys', [
    (('det', ), DET_KEYS),
    (('seg', ), SEG_KEYS),
    (('det', 'seg'), DET_KEYS | SEG_KEYS),
    ((), {'loss_unlabelled'}),
])
def test_only_labelled_heads_learn(tasks, keys):
    model = _model()
    losses = _losses(model, _streams(one=tasks))
    assert set(losses) == keys
    total, _ = model.parse_losses(losses)
    total.backward()
    for task in ('det', 'seg'):
        grads = [p.grad for p in model.heads[task].parameters()]
        if task in tasks:
            assert all(g is not None for g in grads)
        else:  # None, not zero: momentum and decay would move the head
            assert all(g is None for g in grads)


def test_init_reaches_the_heads():
    bias = _model().heads['det'].cls_branches[0][-1].bias
    assert bias[0].item() == pytest.approx(-4.595, abs=1e-3)


def test_weights_scale_losses():
    logs = []
    for weights in ({}, dict(det=2.0, seg=0.5)):
        model = _model(task_weights=weights)
        losses = _losses(model, _streams(one=('det', 'seg')))
        logs.append(model.parse_losses(losses)[1])
    plain, weighted = logs
    for key, factor in (('det.loss_cls', 2), ('seg.loss_ce', .5)):
        torch.testing.assert_close(weighted[key], plain[key] * factor)


def test_mixed_samples_equal_their_parts():
    """Features and samples are selected together, over streams."""
    model = _model().eval()
    mixed = toy_batch([('det', ), ('seg', ), ('det', 'seg'), ()], 4)
    rows = dict(det=[0, 2], seg=[1, 2])
    joint = _losses(model, dict(one=mixed))
    for task, picked in rows.items():
        part = {k: [v[i] for i in picked] for k, v in mixed.items()}
        for key, value in _losses(model, dict(one=part)).items():
            if key.startswith(task):
                torch.testing.assert_close(value, joint[key])


def test_streams_of_other_sizes_pool_their_counts():
    model = _model().eval()
    small, large = toy_batch(('seg', ), 2, 48), toy_batch(('seg', ), 1, 96)
    alone = [
        _losses(model, dict(one=batch))['seg.loss_ce']
        for batch in (small, large)
    ]
    joint = _losses(model, dict(a=small, b=large))['seg.loss_ce']
    pixels = [2 * 48**2, 96**2]
    expected = sum(a * p for a, p in zip(alone, pixels)) / sum(pixels)
    torch.testing.assert_close(joint, expected)


def test_fused_equals_unfused_with_frozen_statistics():
    batch = _streams(det=('det', ), seg=('seg', ))
    models = [_model(fuse_batches=f).eval() for f in (False, True)]
    plain, fused = (_losses(model, batch) for model in models)
    assert plain.keys() == fused.keys()
    for key, value in plain.items():
        torch.testing.assert_close(fused[key], value, atol=1e-5, rtol=1e-5)
    for model, losses in zip(models, (plain, fused)):
        model.parse_losses(losses)[0].backward()
    for (name, one), other in zip(models[0].named_parameters(),
                                  models[1].parameters()):
        torch.testing.assert_close(
            other.grad, one.grad, atol=1e-5, rtol=1e-5, msg=name)


def test_a_loss_that_is_no_number_is_refused():
    model = _model()
    losses = _losses(model, _streams(one=('det', 'seg')))
    losses['seg.loss_ce'] = losses['seg.loss_ce'] / 0
    with pytest.raises(TrainingError, match='seg.loss_ce=inf'):
        model.parse_losses(losses)


def test_fusing_joins_batch_norms_statistics():
    batch = _streams(det=('det', ), seg=('seg', ))
    counts = []
    for fuse in (False, True):
        model = _model(fuse_batches=fuse).train()
        _losses(model, batch)
        counts.append(int(model.backbone.stem[1].num_batches_tracked))
    assert counts == [2, 1]


def test_channels_last_changes_no_number():
    batch = _streams(one=('det', 'seg'))
    plain, last = (_losses(_model(channels_last=c).eval(), batch)
                   for c in (False, True))
    for key, value in plain.items():
        torch.testing.assert_close(last[key], value, atol=1e-5, rtol=1e-5)


def test_predict_gives_what_is_asked_for():
    model = _model().eval()
    batch = toy_batch()
    both = model.val_step(batch)
    assert all('pred_instances' in s and 'pred_sem_seg' in s for s in both)
    model.predict_only(['seg'])
    assert all('pred_instances' not in s for s in model.val_step(batch))
    model.predict_only(None)
    assert 'pred_instances' in model.val_step(batch)[0]
    with pytest.raises(ConfigError, match="'depth'"):
        model.predict_only(['depth'])


def test_tensor_mode_takes_one_batch_or_streams():
    model = _model().eval()
    x = torch.randn(2, 3, 64, 64)
    assert set(model(x)) == {'det', 'seg'}
    assert set(model(dict(a=x, b=x))) == {'a', 'b'}
    assert model(x)['seg'].shape == (2, 3, 64, 64)
    with pytest.raises(ValueError, match='mode'):
        model(x, mode='train')


@pytest.mark.parametrize('change, message', [
    (lambda c: c['heads'].update(dept=c['heads'].pop('det')), "'dept'"),
    (lambda c: c['heads']['det'].update(type='mmmultas.Hed'), 'heads.det'),
    (lambda c: c['heads']['seg'].update(num_clases=3), 'num_clases'),
    (lambda c: c.update(task_weights=dict(dte=1)), "'dte'"),
    (lambda c: c.update(heads={}), 'empty'),
    (lambda c: c['neck'].update(type='mmmultas.Nek'), 'model.neck'),
])
def test_errors_name_the_config_key(change, message):
    cfg = toy_model()
    change(cfg)
    with pytest.raises(ConfigError, match=message):
        MODELS.build(cfg)


def test_a_head_set_to_none_is_left_out():
    cfg = toy_model()
    cfg['heads']['det'] = None
    model = MODELS.build(cfg)
    assert list(model.heads) == ['seg']


def _padded_batch():
    """Two noisy images, the second one narrower than the batch."""
    batch = toy_batch()
    batch['inputs'][1] = batch['inputs'][1][:, :, :48].contiguous()
    batch['data_samples'][1].set_metainfo(
        dict(img_shape=(64, 48), ori_shape=(64, 48)))
    return batch


def _mirrored_batch():
    batch = _padded_batch()
    batch['inputs'] = [image.flip(-1) for image in batch['inputs']]
    return batch


def _predict(model, batch):
    with torch.no_grad():
        return model.eval().test_step(batch)


def _noisy_model(**kwargs):
    """One whose predictions differ from place to place."""
    model = _model(**kwargs)
    with torch.no_grad():
        for branch in model.heads['det'].cls_branches:
            branch[-1].weight.normal_(std=1)
            branch[-1].bias.fill_(-3)
        model.heads['seg'].conv_seg.weight.normal_()
        norms = [m for m in model.modules() if hasattr(m, 'running_mean')]
        for norm in norms:
            norm.momentum = 1.0  # statistics of one batch spread the features
        for _ in norms:
            _losses(model, _streams(one=('det', 'seg')))
    return model


def test_mirrored_images_give_mirrored_predictions_with_flip_test():
    model = _noisy_model(flip_test=True)
    for seen, other in zip(_predict(model, _padded_batch()),
                           _predict(model, _mirrored_batch())):
        mask, mirrored = (s.pred_sem_seg.sem_seg for s in (seen, other))
        assert len(mask.unique()) > 1
        assert torch.equal(mask, mirrored.flip(-1))
        width = seen.metainfo['ori_shape'][1]
        boxes, others = (s.pred_instances for s in (seen, other))
        assert len(boxes) == len(others) > 0
        torch.testing.assert_close(boxes.scores, others.scores)
        # equal scores of a box and its mirror image may change places
        flipped = others.bboxes[:, [2, 1, 0, 3]]
        flipped[:, [0, 2]] = width - flipped[:, [0, 2]]
        gap = (boxes.bboxes[:, None] - flipped).abs().amax(-1)
        gap += 99 * (boxes.labels[:, None] != others.labels)
        assert gap.min(1).values.max() < 1e-3


def test_without_flip_test_they_differ():
    model = _noisy_model()
    seen, other = (_predict(model, batch)[0].pred_sem_seg.sem_seg
                   for batch in (_padded_batch(), _mirrored_batch()))
    assert not torch.equal(seen, other.flip(-1))


def test_flip_test_needs_heads_that_can_join():
    with pytest.raises(ConfigError, match='class_agnostic'):
        cfg = toy_model(flip_test=True)
        cfg['heads']['det']['test_cfg'] = dict(class_agnostic=True)
        init_default_scope('mmdet')
        MODELS.build(cfg)


def test_a_listener_hears_the_weighted_losses():
    model = _model(task_weights=dict(det=3))
    losses = _losses(model, _streams(one=('det', 'seg')))
    heard = []
    model.on_losses = heard.append
    total, logs = model.parse_losses(losses)
    assert {k: float(v) for k, v in heard[0].items()} == pytest.approx({
        k: (3 if k.startswith('det') else 1) * float(v)
        for k, v in losses.items()})
    model.on_losses = None
    again, _ = model.parse_losses(losses)
    assert len(heard) == 1 and total.equal(again)
