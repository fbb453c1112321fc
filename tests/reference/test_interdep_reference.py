"""The interdependent network against published code.

Values come from SPEC-INTERDEPENDENT's reference file, given by
MMMULTAS_INTERDEP_REFERENCE or found beside the repository; without it these
tests skip.
"""
import os
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmmultas.engine.schedulers import poly_restart
from mmmultas.functional import cell_boxes
from mmmultas.functional.boxes import xyxy_to_cxcywh
from mmmultas.functional.losses import cross_entropy_sum, focal_loss_sum
from mmmultas.models.backbones.adapnetpp import AdapNetPPEncoder, PreActUnit
from mmmultas.models.heads import (AdapNetPPAuxHead, AdapNetPPSegHead,
                                   TridentAnchorHead)
from mmmultas.models.heads.trident_block import TridentUnit
from mmmultas.models.necks import AdapNetPPDecoder

BESIDE = (Path(__file__).resolve().parents[3] /
          'shared/golden/interdep_reference_0.npz')
PATH = Path(os.environ.get('MMMULTAS_INTERDEP_REFERENCE', BESIDE))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(),
    reason='set MMMULTAS_INTERDEP_REFERENCE to the reference values')
#: Leaf of a released variable → leaf of a module's entry.
LEAVES = dict(
    weights='weight',
    gamma='weight',
    beta='bias',
    moving_mean='running_mean',
    moving_variance='running_var')


@pytest.fixture(scope='module')
def file():
    return np.load(PATH)


@pytest.fixture(scope='module')
def ref(file):
    return lambda key: torch.from_numpy(np.asarray(file[key]))


@pytest.fixture(scope='module')
def seed():
    return int(PATH.stem.rsplit('_', 1)[1])


def value(name, shape, seed):
    """A variable's value by the rule of README-interdep.md."""
    rs = np.random.RandomState(
        (zlib.crc32(name.encode()) + 1000003 * seed) % 2**32)
    z = rs.standard_normal(shape)
    return dict(
        weights=z / np.sqrt(np.prod(shape[:-1])),
        gamma=1 + .1 * z,
        beta=.1 * z,
        moving_mean=.1 * z,
        moving_variance=np.exp(.2 * z))[name.split('/')[-1]]


def fill(network, entries, seed):
    """Fill a network, and see that nothing is left.

    Args:
        network: In float64.
        entries: Released name → (shape, our entry).
        seed: Of the rule.
    """
    state = {}
    for name, (shape, key) in entries.items():
        found = torch.from_numpy(np.asarray(value(name, shape, seed)))
        state[key] = found.permute(3, 2, 0, 1) if len(shape) == 4 else found
    missing, extra = network.load_state_dict(state, strict=False)
    assert not extra
    assert all(key.endswith('num_batches_tracked') for key in missing)


def same(found, want, tolerance=1e-5):
    torch.testing.assert_close(
        found.double(), want.double(), rtol=tolerance, atol=tolerance)


def shapes_of(names, sizes):
    return {name: tuple(map(int, size.split(',')))
            for name, size in zip(names, sizes)}


#: Convolutions of the decoder's half, released name → ours.
PARTS = {
    'conv256': 'neck.aspp.point', 'conv57': 'neck.aspp.pooled',
    'conv10': 'neck.aspp.out', 'conv32': 'neck.skip4',
    'conv174': 'neck.skip8', 'conv41': 'neck.up8', 'conv16': 'neck.up4',
    'conv5': 'seg.up', 'conv89': 'neck.refine.0', 'conv96': 'neck.refine.1',
    'conv88': 'seg.convs.0', 'conv95': 'seg.convs.1',
    'conv78': 'seg.classify', 'conv911': 'aux4.classify',
    'conv912': 'aux8.classify'
}  # yapf: disable
for i, cascade in enumerate(('70 7 247 71', '80 8 248 81', '90 9 249 91')):
    for j, name in enumerate(cascade.split()):
        PARTS[f'conv{name}'] = f'neck.aspp.cascades.{i}.{j}'


def our_key(encoder, name):
    """Our entry of a released variable of AdapNet++."""
    *scope, leaf = name.split('/')
    leaf = LEAVES[leaf]
    first, norm = scope[0], scope[-1] == 'BatchNorm'
    if first == 'conv0':
        return f'encoder.image_norm.{leaf}'
    if first == 'conv1':
        return f'encoder.stem.{int(norm)}.{leaf}'
    if not first.startswith('block'):
        return f'{PARTS[first]}.{int(norm)}.{leaf}'
    block, unit = int(first[-1]) - 1, int(scope[1].split('_')[1]) - 1
    part = scope[3]
    if norm and part == 'conv3':
        return f'encoder.{encoder._behind(block, unit)}.{leaf}'
    part = part.replace('conv', 'bn') if norm else part
    return f'encoder.blocks.{block}.{unit}.{part}.{leaf}'


@pytest.fixture(scope='module')
def network(ref, file, seed):
    """AdapNet++ as released, in float64 and eval mode."""
    net = nn.ModuleDict(dict(
        encoder=AdapNetPPEncoder(rates='released', quirk=True),
        neck=AdapNetPPDecoder(),
        seg=AdapNetPPSegHead(11),
        aux4=AdapNetPPAuxHead(11),
        aux8=AdapNetPPAuxHead(11, in_index=1))).double().eval()
    shapes = shapes_of(file['ap_names'], file['ap_shapes'])
    assert sum(np.prod(shape) for shape in shapes.values()) == 30202236
    fill(net, {name: (shape, our_key(net['encoder'], name))
               for name, shape in shapes.items()}, seed)
    return net


@torch.no_grad()
def test_encoder_and_context(network, ref):
    image = ref('ap_image').double() / 64 - 2
    b1, b2, b4 = network['encoder'](image)
    same(b1[:, ::16, ::4, ::4], ref('ap_b1'))
    same(b2[:, ::16, ::2, ::2], ref('ap_b2'))
    same(b4[:, ::32], ref('ap_b4'))
    neck = network['neck']
    same(neck.aspp([b4])[0][:, ::4], ref('ap_easpp'))
    same(neck.skip4(b1)[:, :, ::4, ::4], ref('ap_skip1'))
    same(neck.skip8(b2)[:, :, ::2, ::2], ref('ap_skip2'))


@torch.no_grad()
def test_decoder(network, ref):
    neck = network['neck']
    up8 = neck.up8(ref('ap_dec_p16').double())
    same(up8[:, ::8], ref('ap_dec_up1'))
    d8 = torch.cat([up8, ref('ap_dec_skip2').double()], 1)
    up4 = neck.up4(neck.refine(d8))
    same(up4[:, ::16, ::2, ::2], ref('ap_dec_up2'))
    d4 = torch.cat([up4, ref('ap_dec_skip1').double()], 1)
    same(network['seg']([d4, d8])[:, :, ::3, ::3], ref('ap_dec_logits'))
    same(network['aux4']([d4, d8]), ref('ap_dec_aux_s4'))
    same(network['aux8']([d4, d8]), ref('ap_dec_aux_s8'))


UNITS = dict(
    first=dict(pre_norm=False, project=True, quirk=True),
    plain=dict(),
    down=dict(pre_norm=False, project=True, stride=2),
    ms12=dict(rates=(1, 2)),
    ms22=dict(rates=(2, 2), project=True))


@pytest.mark.parametrize('name', UNITS)
def test_units(name, ref, file, seed):
    x = ref(f'unit_{name}_x').double()
    unit = PreActUnit(x.shape[1], 16, **UNITS[name]).double()
    entries = {}
    for entry in file[f'unit_{name}_names']:
        variable, shape = entry.split()
        found = re.match(r'.*?(pre|conv\d|shortcut)?(/BatchNorm)?/(\w+)$',
                         variable)
        part, norm, leaf = found[1], found[2], LEAVES[found[3]]
        if norm and part == 'conv3':
            part = 'pre_norm'
        elif norm:
            part = part.replace('conv', 'bn')
        entries[f'unit/{name}/{variable}'] = (
            tuple(map(int, shape.split(','))), f'{part}.{leaf}')
    fill(unit, entries, seed)
    same(unit.eval()(x), ref(f'unit_{name}_y_eval'), 1e-9)
    same(unit.train()(x), ref(f'unit_{name}_y_train'), 1e-9)
    same(unit.bn1.running_mean, ref(f'unit_{name}_after_moving_mean'), 1e-9)
    # TensorFlow takes the biased variance
    same(unit.bn1.running_var, ref(f'unit_{name}_after_moving_variance'),
         1e-4)


def test_segmentation_loss(ref):
    logits = ref('segloss_logits').double()
    labels = ref('segloss_label').long()
    total = sum(w * cross_entropy_sum(x, labels, 0)
                for w, x in zip((1, .6, .5), logits))
    count = (labels != 0).sum()
    same(total / count, ref('segloss_mean_valid'), 1e-6)
    same(total / labels.numel(), ref('segloss_released'), 1e-6)


@pytest.mark.parametrize('base', ['1e-3', '1e-4'])
def test_learning_rate(ref, base):
    found = [float(base) * poly_restart(int(t), 10000, 0.9)
             for t in ref('poly_t')]
    same(torch.tensor(found, dtype=torch.float64),
         ref(f'poly_restart_{base}'), 1e-12)


def test_clusters(ref):
    sizes = ref('km_wh').double()
    found, overlap = cell_boxes.cluster_shapes(sizes, sizes[ref('km_init')])
    same(found, ref('km_anchors'), 1e-3)
    same(overlap, ref('km_mean_iou'), 1e-6)


def test_coding(ref):
    prior = xyxy_to_cxcywh(ref('yolo_prior'))
    same(cell_boxes.encode_in_cells(prior, ref('yolo_gt'), 16),
         ref('yolo_encoded'))
    same(cell_boxes.decode_in_cells(prior, ref('yolo_raw'), 16),
         ref('yolo_decoded'), 1e-3)


@pytest.fixture(scope='module')
def detector(ref):
    shapes = ref('asg_anchors').reshape(-1, 2).tolist()
    return TridentAnchorHead(3, anchors=shapes).double().eval()


def test_assignment(detector, ref):
    maps = [torch.zeros(1, 24, 24, 48)] * 3
    anchors = detector.anchors(maps)
    match = cell_boxes.match_shapes(anchors, ref('asg_gt'), 16, 48)
    state = torch.zeros(3 * 24 * 48 * 3, dtype=torch.int8)
    state[match.ignored] = -1
    state[match.positive] = 1
    assert torch.equal(state.view(3, 24, 48, 3), ref('asg_ours_state'))
    found = cell_boxes.encode_in_cells(
        anchors.reshape(-1, 4)[match.positive], ref('asg_gt')[match.box], 16)
    same(found, ref('asg_ours_target')[:, :4])


def test_detection_losses(detector, ref):
    same(focal_loss_sum(ref('focal_logits').double(),
                        ref('focal_target').double(), None, .25, 2.),
         ref('focal_sum'), 1e-6)
    gt = InstanceData(
        bboxes=ref('asg_gt').double(), labels=ref('asg_label'))
    maps = [part[None].double() for part in ref('loss_maps')]
    sums = detector.loss_by_feat(maps, [gt])
    for name in ('obj', 'cls', 'xy', 'wh'):
        same(sums[f'loss_{name}'].total, ref(f'loss_ours_{name}'), 1e-6)
        assert sums[f'loss_{name}'].count == 1
    detector.normalizer = 'positive'
    sums = detector.loss_by_feat(maps, [gt])
    assert sums['loss_obj'].count == ref('loss_ours_num_pos')
    detector.normalizer = 'image'


@torch.no_grad()
def test_trident_unit(ref):
    unit = TridentUnit(16, 4, (1, 2, 3)).eval()
    ours = {'conv1': 'conv1.0', 'bn1': 'conv1.1', 'conv2': 'conv2',
            'bn2': 'bn2', 'conv3': 'conv3.0', 'bn3': 'conv3.1'}
    state = {f'{ours[part]}.{leaf}': ref(f'trident_block_{part}.{leaf}')
             for part in ours
             for leaf in ('weight', 'bias', 'running_mean', 'running_var')
             if part.startswith('bn') or leaf == 'weight'}
    unit.load_state_dict(state, strict=False)
    x, want = ref('trident_block_x'), ref('trident_block_y').flatten(0, 1)
    same(unit(x, same=True), want)
    same(unit(x.repeat(3, 1, 1, 1)), want)


@torch.no_grad()
def test_detector(detector, ref, file, seed):
    entries = {}
    for entry in file['det_names']:
        module, kind, shape = entry.split()
        shape = tuple(map(int, shape.split(',')))
        ours = module.replace('path4', 'paths.0').replace('path8', 'paths.1')
        if kind == 'conv':  # (out, in, h, w) as PyTorch has it
            shape = (*shape[2:], shape[1], shape[0])
            entries[f'det/{module}/weights'] = (shape, f'{ours}.weight')
            if module.startswith('pred'):
                entries[f'det/{module}/beta'] = (shape[-1:], f'{ours}.bias')
            continue
        for leaf in ('gamma', 'beta', 'moving_mean', 'moving_variance'):
            entries[f'det/{module}/{leaf}'] = (
                shape, f'{ours}.{LEAVES[leaf]}')
    fill(detector, entries, seed)
    levels = [10 * torch.from_numpy(value(f'det/{name}/beta', shape, seed))
              for name, shape in dict(
                  d4=(1, 280, 24, 32), d8=(1, 280, 12, 16),
                  p16=(1, 256, 6, 8)).items()]
    maps, = detector(levels)
    same(torch.stack(maps), ref('det_maps'))


def test_imagenet_weights(ref, file):
    encoder = AdapNetPPEncoder(rates='released', quirk=True)
    taken = set()
    for theirs, released, used in zip(file['init_torchvision'],
                                      file['init_tf'], file['init_used']):
        ours = encoder.rename_key(theirs)
        if used:
            assert f'encoder.{ours}' == our_key(
                encoder, released.removeprefix('resnet_v1_50/'))
            taken.add(ours)
        else:
            assert ours is None
    left = {key for key in encoder.state_dict()
            if not key.endswith('num_batches_tracked')} - taken
    assert all(key.startswith(encoder.own_entries) for key in left)
