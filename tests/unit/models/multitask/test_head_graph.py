import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


def _model(**changes):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    cfg = toy_model()
    cfg['heads']['det'].update(changes)
    return MODELS.build(cfg)


def _reader(grad=None, **changes):
    """A detector that reads the decoder on top of the neck, each twice."""
    inputs = ('neck.0', 'seg.decoder')
    return _model(inputs=inputs, feature_grad=grad, **changes)


def _feats(**counts):
    torch.manual_seed(1)
    return {s: (torch.randn(n, 8, 8, 8), torch.randn(n, 8, 4, 4))
            for s, n in counts.items()}


def _calls(module):
    sizes = []
    module.register_forward_hook(lambda m, i, out: sizes.append(len(i[0][0])))
    return sizes


def test_streams_of_one_size_are_one_pass():
    model = _model()
    feats = _feats(a=2, b=2)
    feats['c'] = tuple(x[..., :2] for x in _feats(c=1)['c'])
    rows = dict(det=dict(a=[0, 1], b=[1], c=[0]), seg=dict(a=[]))
    outputs = model.run_heads(feats, rows)
    assert [one.places for one in outputs['det']] == [
        [('a', 0), ('a', 1), ('b', 1)], [('c', 0)]]
    first = outputs['det'][0].read
    assert torch.equal(first.inputs[0][2], feats['b'][0][1])
    # nobody but the head's own loss asks
    assert first.outputs is None and outputs['seg'] == []


def test_a_stream_that_is_whole_is_not_copied():
    model, feats = _model(), _feats(a=2)
    outputs = model.run_heads(feats, dict(det=dict(a=[0, 1])))
    assert outputs['det'][0].read.inputs[0] is feats['a'][0]


def test_what_is_asked_for_is_kept_by_image():
    model, feats = _model().eval(), _feats(a=2, b=1)
    outputs = model.run_heads(
        feats, dict(seg=dict(a=[1], b=[0])),
        dict(seg=['', 'conv_seg']))['seg']
    want = model.heads['seg'](tuple(x[:1] for x in feats['b']))
    torch.testing.assert_close(outputs.of('b', [0]), want)
    assert outputs.of('a', [1], 'conv_seg').shape == (1, 3, 16, 16)
    assert outputs.read('a', [1]).inputs[0].equal(feats['a'][0][1:])


def test_a_head_reads_a_head():
    model = _reader(anchors=dict(
        type='mmmultas.AnchorGrid', strides=[8, 4], base_size=16)).eval()
    assert model.graph.order == ('seg', 'det')
    assert model.graph.ancestors(['det']) == ['seg', 'det']
    assert model.graph.ancestors(['seg']) == ['seg']
    calls = {t: _calls(head) for t, head in model.heads.items()}
    feats = _feats(a=3)
    outputs = model.run_heads(
        feats, dict(det=dict(a=[0, 2]), seg=dict(a=[2])), dict(det=['']))
    # the decoder runs on what the detector reads, once
    assert calls == dict(det=[2], seg=[2])
    fused = outputs['seg'].of('a', [0, 2], 'fused')
    read = outputs['det'][0].read
    assert torch.equal(read.inputs[1], fused)
    assert torch.equal(read.inputs[0], feats['a'][0][[0, 2]])
    want = model.heads['det']((feats['a'][0][[0, 2]], fused))
    torch.testing.assert_close(read.outputs, want)


@pytest.mark.parametrize('grad', [0, .5, 1])
def test_gradients_flow_back_by_the_factor(grad):
    model = _reader({'seg.decoder': grad}, anchors=dict(
        type='mmmultas.AnchorGrid', strides=[8, 4], base_size=16)).eval()
    data = model.data_preprocessor(toy_batch(('det', )), True)
    loss = sum(model(**data, mode='loss').values())
    loss.backward()
    weight = model.heads['seg'].scales[0][0][0].weight
    if grad == 0:
        assert weight.grad is None
        return
    whole = copy.deepcopy(model)
    whole.graph = _reader(anchors=dict(
        type='mmmultas.AnchorGrid', strides=[8, 4], base_size=16)).graph
    whole.zero_grad()
    sum(whole(**data, mode='loss').values()).backward()
    want = whole.heads['seg'].scales[0][0][0].weight.grad
    torch.testing.assert_close(weight.grad, grad * want)


def test_a_reader_trains_and_predicts_one_task_alone():
    model = _reader(anchors=dict(
        type='mmmultas.AnchorGrid', strides=[8, 4], base_size=16))
    streams = dict(det=toy_batch(('det', )), seg=toy_batch(('seg', )))
    data = model.data_preprocessor(streams, True)
    losses = model.train()(**data, mode='loss')
    assert {k.split('.')[0] for k in losses} == {'det', 'seg'}
    model.eval().predict_only(['det'])
    data = model.data_preprocessor(toy_batch((), 2))
    sample = model(**data, mode='predict')[0]
    assert 'pred_instances' in sample and 'pred_sem_seg' not in sample
    model.set_flip_test(True)
    data = model.data_preprocessor(toy_batch((), 2))
    assert 'pred_instances' in model(**data, mode='predict')[0]


@pytest.mark.parametrize('index, name', [([0, 1], None), ([0], 'seg.decoder')])
def test_an_input_that_a_head_leaves_aside_is_refused(index, name):
    model = _reader(in_index=index, anchors=dict(
        type='mmmultas.AnchorGrid', strides=[8, 4][:len(index)],
        base_size=16))
    feats, rows = _feats(a=1), dict(det=dict(a=[0]))
    if name is None:
        model.run_heads(feats, rows)
        return
    with pytest.raises(ConfigError, match=f"names '{name}', level 1 of 2"):
        model.run_heads(feats, rows)
