"""Our networks and the joint task space against the released code's numbers.

They come from SPEC-MTPSL's reference file, given by MMMULTAS_MTPSL_REFERENCE
or found beside the repository; without it these tests skip.
"""
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmmultas.functional.dense import unit_normals
from mmmultas.functional.task_space import (cosine_distance, gumbel_sample,
                                            one_hot_maps, pair_column,
                                            pairs_between, relative_depth,
                                            unit_range)
from mmmultas.models.backbones.segnet import DEPTHS, SegNetEncoder
from mmmultas.models.companions import Plan
from mmmultas.models.companions.pairs import PairCompanion
from mmmultas.models.heads import SegNetHead
from mmmultas.models.mappings import SegNetMapping
from mmmultas.models.necks.segnet import SegNetDecoder

BESIDE = (Path(__file__).resolve().parents[3] /
          'shared/golden/mtpsl_reference_0.npz')
PATH = Path(os.environ.get('MMMULTAS_MTPSL_REFERENCE', BESIDE))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(),
    reason='set MMMULTAS_MTPSL_REFERENCE to the reference values')
WIDTHS = (4, 6, 8, 8, 8)
CHANNELS = dict(seg=5, depth=1, normals=3)
TASKS = tuple(CHANNELS)


@pytest.fixture(scope='module')
def ref():
    file = np.load(PATH)
    return lambda key: torch.from_numpy(np.asarray(file[key]))


@pytest.fixture(params=[torch.float64, torch.float32], ids=str)
def dtype(request):
    return request.param


def _close(ours, theirs, dtype=torch.float64):
    atol = 1e-5 if dtype == torch.float64 else 1e-3
    torch.testing.assert_close(ours.detach().double(), theirs.double(),
                               rtol=1e-4, atol=atol)


def _conv(conv, ref, name):
    conv.weight.data = ref(f'{name}weight').to(conv.weight)
    conv.bias.data = ref(f'{name}bias').to(conv.weight)


def _layers(stages, ref, side):
    for s, depth in enumerate(DEPTHS):
        for j in range(depth):
            conv, norm, _ = stages[s][j]
            name = f'net.w.{side}.s{s + 1}.l{j + 1}.'
            _conv(conv, ref, f'{name}conv_')
            for part in ('weight', 'bias', 'running_mean', 'running_var'):
                getattr(norm, part).data = ref(f'{name}bn_{part}').to(
                    conv.weight)


@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_segnet(ref, mode, dtype):
    encoder = SegNetEncoder(WIDTHS).to(dtype).train(mode == 'train')
    decoder = SegNetDecoder(WIDTHS).to(dtype).train(mode == 'train')
    _layers(encoder.stages, ref, 'enc')
    _layers(decoder.stages, ref, 'dec')
    pooled = encoder(ref('net.image').to(dtype))
    _close(pooled.pooled, ref(f'net.{mode}.feat'), dtype)
    feats = decoder(pooled)
    found = []
    for i, count in enumerate(CHANNELS.values()):
        head = SegNetHead(count, WIDTHS[0]).to(dtype)
        _conv(head.conv, ref, f'net.w.head{i}.conv1_')
        _conv(head.conv_seg, ref, f'net.w.head{i}.conv2_')
        found.append(head(feats))
    _close(found[0].log_softmax(1), ref(f'net.{mode}.seg_logp'), dtype)
    _close(found[1], ref(f'net.{mode}.depth'), dtype)
    _close(unit_normals(found[2]), ref(f'net.{mode}.normal'), dtype)


def _layer_names(net):
    """Our parameters by the file's names."""
    for i, task in enumerate(TASKS):
        yield f'in{i}', net.inputs[task], None
    number = 0
    for s, depth in enumerate(DEPTHS):
        for j in range(depth):
            yield f'enc.s{s + 1}.l{j + 1}', net.stages[s][j], net.film[number]
            number += 1


def _parameters(net):
    for name, layer, film in _layer_names(net):
        yield f'{name}.conv_weight', layer.conv.weight
        yield f'{name}.conv_bias', layer.conv.bias
        yield f'{name}.bn_weight', layer.weight
        yield f'{name}.bn_bias', layer.bias
        if film is not None:
            yield f'{name}.film_gamma', film.gamma
            yield f'{name}.film_beta', film.beta


def _mapping(ref, dtype):
    net = SegNetMapping(CHANNELS, WIDTHS).to(dtype)
    for name, value in _parameters(net):
        value.data = ref(f'map.w.{name}').to(dtype)
    return net


@pytest.fixture
def space(ref, dtype):
    """The mapping, labels as they enter it, and predictions."""
    labels = [one_hot_maps(ref('map.gt_seg').long().reshape(1, 64, 64), 5),
              relative_depth(ref('map.gt_depth')),
              unit_range(ref('map.gt_normal'))]
    preds = [ref(f'map.pred_{name}').to(dtype).requires_grad_()
             for name in ('seg_logp', 'depth', 'normal')]
    return _mapping(ref, dtype), [x.to(dtype) for x in labels], preds


def test_inputs_of_the_mapping(ref, space, dtype):
    _, labels, preds = space
    for i, label in enumerate(labels):
        _close(label, ref(f'map.input_gt{i}').reshape(label.shape), dtype)
    for i, made in ((1, relative_depth(preds[1])), (2, unit_range(preds[2]))):
        _close(made, ref(f'map.input_pred{i}').reshape(made.shape), dtype)


def _source(ref, preds, s, name):
    if s == 0:
        return gumbel_sample(preds[0], ref(f'{name}.noise').to(preds[0]))
    return relative_depth(preds[1]) if s == 1 else unit_range(preds[2])


@pytest.mark.parametrize('case', ['one0', 'one2', 'rand', 'full'])
def test_joint_space(ref, space, dtype, case):
    """All pairs and sides in one batch equal one by one."""
    net, labels, preds = space
    labelled = [bool(x) for x in ref(f'map.{case}.labelled')]
    pairs = pairs_between(labelled)
    assert pairs == [tuple(p) for p in ref(f'map.{case}.pairs').tolist()]
    maps, index, columns = [], [], []
    for s, t in pairs:
        column = pair_column(s, t, 3)
        assert ref(f'map.pair{s}{t}.vector').argmax() == column
        maps += [(TASKS[s], _source(ref, preds, s,
                                    f'map.{case}.pair{s}{t}')),
                 (TASKS[t], labels[t])]
        index += [len(index), len(index) + 1]
        columns += [column, column]
    found = net(maps, torch.tensor(index), torch.tensor(columns))
    feat = ref('map.feat').to(dtype).requires_grad_()
    loss = 0
    for p, (s, t) in enumerate(pairs):
        source, target = found[2 * p:2 * p + 1], found[2 * p + 1:2 * p + 2]
        _close(source, ref(f'map.{case}.pair{s}{t}.source'), dtype)
        _close(target, ref(f'map.{case}.pair{s}{t}.target'), dtype)
        terms = torch.cat([cosine_distance(source, target),
                           cosine_distance(source, feat.detach()),
                           cosine_distance(target, feat.detach())])
        _close(terms, ref(f'map.{case}.terms')[p], dtype)
        loss = loss + terms[0] + .5 * (terms[1] + terms[2])
    _close(loss, ref(f'map.{case}.loss'), dtype)
    if dtype == torch.float64:
        loss.backward()
        _compare_gradients(ref, net, preds, case)


def _compare_gradients(ref, net, preds, case):
    for t, pred in enumerate(preds):
        try:
            theirs = ref(f'map.{case}.grad_pred{t}')
        except KeyError:
            assert pred.grad is None
            continue
        _close(pred.grad, theirs)
    compared = 0
    for name, value in _parameters(net):
        try:
            theirs = ref(f'map.{case}.grad.{name}')
        except KeyError:
            continue
        compared += 1
        ours = torch.zeros_like(value) if value.grad is None else value.grad
        _close(ours, theirs)
    assert compared >= 26


def test_embedding_of_a_label_that_is_used_twice(ref, space, dtype):
    net, labels, _ = space
    found = net([('seg', labels[0])], torch.tensor([0, 0]), torch.tensor(
        [pair_column(1, 0, 3), pair_column(2, 0, 3)]))
    _close(found[:1], ref('map.pair10.embed_gt0'), dtype)
    _close(found[1:], ref('map.pair20.embed_gt0'), dtype)


@pytest.mark.parametrize('rho', ['0', '0.5', '2'])
def test_consistency(ref, rho):
    source, target = (ref(f'cons.{x}').requires_grad_()
                      for x in ('source', 'target'))
    feat = ref('cons.feat')
    terms = [cosine_distance(a, b).mean() for a, b in (
        (source, target), (source, feat), (target, feat))]
    for term, name in zip(terms, ('ct', 'reg_source', 'reg_target')):
        torch.testing.assert_close(term.detach().double(),
                                   ref(f'cons.{name}'), rtol=1e-4, atol=1e-5)
    loss = terms[0] + float(rho) * (terms[1] + terms[2])
    loss.backward()
    torch.testing.assert_close(loss.detach().double(),
                               ref(f'cons.loss_reg{rho}'), rtol=1e-4,
                               atol=1e-5)
    # where a vector is zero the file has 1 / eps (2e10), which a ReLU before
    # it takes away; ours has no gradient there
    zero = (source == 0).all(1, keepdim=True)
    assert zero.sum() == 1 and (source.grad * zero == 0).all()
    for name, x in (('source', source), ('target', target)):
        theirs = ref(f'cons.grad_{name}_reg{rho}')
        if name == 'source':
            theirs = theirs.masked_fill(zero, 0)
        torch.testing.assert_close(x.grad, theirs, rtol=1e-4, atol=1e-5)


def test_ramp(ref):
    """Update by update, over a hundred epochs."""
    companion = SimpleNamespace(weight=2, ramp_epochs=100)
    steps = ref('rampup.steps_per_epoch').flatten()
    rows = zip(ref('rampup.epoch').flatten(), ref('rampup.step').flatten(),
               steps.expand(ref('rampup.epoch').numel()),
               ref('rampup.weight').flatten())
    seen = set()
    for epoch, step, length, weight in rows:
        companion.plan = Plan(epoch_length=int(length))
        companion.update = int(epoch * length + step)
        found = PairCompanion.factor(companion)
        assert found == pytest.approx(float(weight), rel=1e-4, abs=1e-5)
        seen.add(round(found, 6))
    assert len(seen) > 2
