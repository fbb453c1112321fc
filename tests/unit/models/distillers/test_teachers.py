import copy

import pytest
import torch
from mmdet.models import DetDataPreprocessor
from mmengine.registry import DefaultScope
from mmseg.models import EncoderDecoder

from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.models.distillers.teachers import (Teacher, Teachers,
                                                 renormalised)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_distillation, toy_model
from mmmultas.utils.errors import CheckpointError, ConfigError

NECK = dict(feats=dict(type='ModuleOutputs', source='neck'))
HEAD = dict(out=dict(type='ModuleOutputs', source='heads.det'))
OWN = MultiTaskDataPreprocessor()


def _saved(folder, cfg=None, name='one.pth', seed=0, scope='mmdet'):
    torch.manual_seed(seed)
    cfg = cfg or toy_model(('det', ))
    with DefaultScope.overwrite_default_scope(scope):
        network = MODELS.build(cfg).eval()
    torch.save(dict(state_dict=network.state_dict()), folder / name)
    return network, cfg, str(folder / name)


def _retinanet():
    strides = [8, 16]
    return dict(
        type='RetinaNet',
        data_preprocessor=dict(
            type='DetDataPreprocessor', mean=[1., 2., 3.], std=[9., 8., 7.]),
        backbone=dict(type='mmmultas.ToyBackbone'),
        neck=dict(
            type='FPN', in_channels=[8, 8], out_channels=8, num_outs=2),
        bbox_head=dict(
            type='RetinaHead', num_classes=2, in_channels=8, feat_channels=8,
            stacked_convs=1,
            anchor_generator=dict(
                type='AnchorGenerator', scales=[1.], ratios=[1.],
                strides=strides)))


def _same(ours, theirs, **tolerance):
    for x, y in zip(ours, theirs, strict=True):
        assert x.dtype == torch.float32 and not x.requires_grad
        torch.testing.assert_close(x, y.detach(), **tolerance)


def test_records_the_encoder_alone(tmp_path):
    network, cfg, path = _saved(tmp_path)
    teacher = Teacher('det', cfg, path, recorders=NECK)
    member = teacher.members[0]
    member.heads['det'].register_forward_hook(
        lambda *a: pytest.fail('heads are not needed'))
    x = torch.randn(2, 3, 64, 64)
    _same(teacher(x, OWN)['feats'], network.encode(x))
    assert not member.training and not member.neck._forward_hooks
    assert not any(p.requires_grad for p in member.parameters())


def test_records_the_heads_that_are_named(tmp_path):
    network, cfg, path = _saved(tmp_path, toy_model())
    teacher = Teacher('det', cfg, path, recorders={**HEAD, **NECK})
    teacher.members[0].heads['seg'].register_forward_hook(
        lambda *a: pytest.fail('no one listens to it'))
    x = torch.randn(2, 3, 64, 64)
    taught, feats = teacher(x, OWN), network.encode(x)
    _same(taught['feats'], feats)
    for got, want in zip(taught['out'], network.heads['det'](feats)):
        _same(got, want)


def test_an_ensemble_is_averaged(tmp_path):
    networks = [_saved(tmp_path, name=f'{i}.pth', seed=i) for i in range(3)]
    paths = [path for _, _, path in networks]
    teacher = Teacher('det', networks[0][1], paths, recorders=HEAD)
    x = torch.randn(2, 3, 64, 64)
    outs = [n.heads['det'](n.encode(x)) for n, _, _ in networks]
    for part, got in enumerate(teacher(x, OWN)['out']):
        _same(got, [
            torch.stack(levels).mean(0)
            for levels in zip(*[out[part] for out in outs])
        ])


@pytest.mark.parametrize('norm', [
    dict(mean=(1., 2., 3.), std=(4., 5., 6.)),
    dict(bgr_to_rgb=False),
    dict(mean=(127., ) * 3, std=(128., ) * 3, bgr_to_rgb=False),
    dict(mean=(103.53, 116.28, 123.675), bgr_to_rgb=False)])
def test_other_normalisation(tmp_path, norm):
    cfg = toy_model(
        ('det', ),
        data_preprocessor=dict(
            type='mmmultas.MultiTaskDataPreprocessor', **norm))
    network, cfg, path = _saved(tmp_path, cfg)
    images = toy_batch()
    wanted = network.data_preprocessor(copy.deepcopy(images))['inputs']
    given = OWN(copy.deepcopy(images))['inputs']
    got = renormalised(given, OWN, network.data_preprocessor)
    torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)
    teacher = Teacher('det', cfg, path, recorders=NECK)
    for _ in range(2):
        _same(teacher(given, OWN)['feats'], network.encode(wanted),
              atol=1e-3, rtol=1e-3)


def test_the_same_normalisation_costs_nothing():
    x = torch.randn(2, 3, 4, 4)
    assert renormalised(x, OWN, MultiTaskDataPreprocessor()) is x
    plain = DetDataPreprocessor()
    assert renormalised(x, plain, DetDataPreprocessor()) is x
    # a teacher that wants raw pixels
    raw = renormalised(x, OWN, plain)
    torch.testing.assert_close(
        raw, (x * OWN.std + OWN.mean).flip(1), atol=1e-4, rtol=1e-4)


def test_padding_is_not_normalised():
    other = MultiTaskDataPreprocessor(mean=(1., 2., 3.), pad_value=7)
    small = [torch.full((3, 4, 8), 50, dtype=torch.uint8),
             torch.full((3, 8, 5), 60, dtype=torch.uint8)]
    given, wanted = (p(dict(inputs=list(small), data_samples=None))['inputs']
                     for p in (OWN, other))
    got = renormalised(given, OWN, other, [(4, 8), (8, 5)])
    torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)
    assert (given[0, :, 4:] == 0).all()  # the student's are as they were


def test_bfloat16_and_memory_layout(tmp_path):
    network, cfg, path = _saved(tmp_path)
    x = torch.randn(2, 3, 64, 64)
    want = network.encode(x)
    teacher = Teacher('det', cfg, path, recorders=NECK, channels_last=True)
    member = teacher.members[0]
    assert member.memory_format == torch.channels_last
    assert member.neck.state_dict().keys() == network.neck.state_dict().keys()
    assert member.backbone.stem[0].weight.is_contiguous(
        memory_format=torch.channels_last)
    _same(teacher(x, OWN)['feats'], want)
    half = Teacher('det', cfg, path, recorders=NECK, bf16=True)(x, OWN)
    _same(half['feats'], want, atol=0.1, rtol=0.1)
    assert not torch.equal(half['feats'][0], want[0])


def test_a_teacher_computes_as_the_student_unless_it_is_told(tmp_path):
    network, cfg, path = _saved(tmp_path)
    x = torch.randn(2, 3, 64, 64)
    with torch.autocast('cpu', torch.bfloat16):
        follows, apart = (
            Teacher('det', cfg, path, recorders=NECK, bf16=bf16)(x, OWN)
            for bf16 in (None, False))
        assert network.encode(x)[0].dtype == torch.bfloat16
    _same(apart['feats'], network.encode(x))
    assert follows['feats'][0].dtype == torch.float32
    _same(follows['feats'], network.encode(x), atol=0.1, rtol=0.1)
    assert not torch.equal(follows['feats'][0], apart['feats'][0])


@pytest.mark.parametrize('source', ['neck', 'bbox_head'])
def test_a_stock_detector(tmp_path, source):
    network, cfg, path = _saved(tmp_path, _retinanet())
    teacher = Teacher(
        'det', cfg, path, recorders=dict(x=dict(source=source)))
    images = toy_batch()
    given = OWN(copy.deepcopy(images))['inputs']
    with torch.no_grad():
        x = network.data_preprocessor(copy.deepcopy(images))['inputs']
        want = network.extract_feat(x)
        got = teacher(given, OWN)['x']
        if source == 'neck':
            _same(got, want, atol=1e-3, rtol=1e-3)
        for ours, theirs in zip(got, network.bbox_head(want)):
            if source == 'bbox_head':
                _same(ours, theirs, atol=1e-3, rtol=1e-3)


def test_a_stock_segmentor(tmp_path):
    cfg = dict(
        type='mmseg.EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=[1.] * 3, std=[2.] * 3),
        backbone=dict(type='mmmultas.ToyBackbone'),
        decode_head=dict(
            type='FCNHead', in_channels=8, in_index=1, channels=8,
            num_convs=1, num_classes=3))
    _, cfg, path = _saved(tmp_path, cfg, scope='mmseg')
    teacher = Teacher(
        'seg', cfg, path, recorders=dict(x=dict(source='decode_head')))
    member = teacher.members[0]
    assert isinstance(member, EncoderDecoder)
    # not mmdet's of the same name
    assert type(member.decode_head.loss_decode).__module__.startswith('mmseg')
    assert teacher(torch.randn(2, 3, 64, 64), OWN)['x'].shape == (2, 3, 4, 4)


def test_a_student_turned_teacher(tmp_path):
    cfg = toy_distillation(tmp_path)
    _, _, path = _saved(tmp_path, cfg, 'student.pth')
    teacher = Teacher('det', cfg, path, recorders=NECK)
    assert type(teacher.members[0]).__name__ == 'MultiTaskDetSeg'


def test_config_files_and_work_folders(tmp_path):
    network, cfg, path = _saved(tmp_path, name='epoch_2.pth')
    (tmp_path / 'cfg.py').write_text(f'model = {cfg!r}')
    teacher = Teacher(
        'det', str(tmp_path / 'cfg.py'), str(tmp_path), recorders=NECK)
    _saved(tmp_path, name='best_score_epoch_1.pth', seed=5)
    best = Teacher(
        'det', str(tmp_path / 'cfg.py'), str(tmp_path), recorders=NECK)
    x = torch.randn(1, 3, 64, 64)
    _same(teacher(x, OWN)['feats'], network.encode(x))
    assert not torch.equal(
        best(x, OWN)['feats'][0], teacher(x, OWN)['feats'][0])


def test_a_config_of_the_repository(tmp_path):
    file = 'configs/multas/efflite0-64_fpn_det_voc-mini.py'
    with pytest.raises(CheckpointError, match='none.pth does not exist'):
        Teacher('det', file, str(tmp_path / 'none.pth'))


def test_rows_by_what_is_annotated(tmp_path):
    _, cfg, path = _saved(tmp_path)
    samples = toy_batch([('det', ), ('seg', ), (), ('det', 'seg')], 4)
    want = dict(annotated=[0, 3], other=[1, 2], both=[0, 1, 2, 3])
    for sees, rows in want.items():
        assert Teacher('det', cfg, path,
                       sees).rows(samples['data_samples']) == rows
    boxes = Teacher('boxes', cfg, path, 'annotated', task='det')
    assert boxes.rows(samples['data_samples']) == [0, 3]


def test_teachers_are_shared_and_moved(tmp_path):
    _, cfg, path = _saved(tmp_path)
    teachers = Teachers(
        dict(det=Teacher('det', cfg, path, 'other', recorders=NECK)))
    assert copy.deepcopy(teachers) is teachers
    teachers.apply(lambda x: x.to('meta'))
    assert next(teachers['det'].members[0].parameters()).is_meta
    with pytest.raises(RuntimeError, match='stop'), teachers.seeing_all():
        assert teachers['det'].sees == 'both'
        raise RuntimeError('stop')
    assert [(n, t.sees) for n, t in teachers] == [('det', 'other')]


def test_a_copy_on_another_device_does_not_take_them_along(tmp_path):
    """EMA on the CPU, the student on a GPU: here meta and the CPU."""
    _, cfg, path = _saved(tmp_path)
    teacher = Teacher('det', cfg, path, recorders=NECK)
    moved = []
    teacher.members[0].to = lambda device: moved.append(str(device))
    with pytest.raises(Exception, match='meta|device'):
        teacher(torch.zeros(1, 3, 64, 64, device='meta'), OWN)
    assert moved == ['meta']


@pytest.mark.parametrize('changes, message', [
    (dict(sees='all'), '`model.teachers.x.sees` is one of annotated'),
    (dict(sees='other'), "labels of a task 'x', which does not exist"),
    (dict(sees='annotated', task='boxes'), "'boxes'.*one of .*det, seg"),
    (dict(cfg='no.py'), 'x.cfg`: Config no.py does not exist'),
    (dict(cfg='README.md'), r'`model.teachers.x.cfg`: .*README.md does not'),
    (dict(cfg=dict(type='NoNet')), '`model.teachers.x.cfg` cannot be built'),
    (dict(checkpoint=[]), '`model.teachers.x.checkpoint` is empty'),
    (dict(recorders=dict(a=dict(source='nek'))),
     "teacher_recorders.x.a.source` names 'nek'.*did you mean 'neck'"),
])
def test_errors(tmp_path, changes, message):
    _, cfg, path = _saved(tmp_path)
    with pytest.raises(ConfigError, match=message):
        Teacher('x', **dict(dict(cfg=cfg, checkpoint=path), **changes))


def test_a_config_without_a_model(tmp_path):
    (tmp_path / 'cfg.py').write_text('data = 1')
    with pytest.raises(ConfigError, match='cfg.py has no `model`'):
        Teacher('x', str(tmp_path / 'cfg.py'), 'x.pth')


def test_checkpoint_errors_name_the_key(tmp_path):
    _, cfg, _ = _saved(tmp_path)
    (tmp_path / 'empty').mkdir()
    for checkpoint, message in (('none.pth', 'does not exist'),
                                ('empty', 'holds no checkpoint')):
        with pytest.raises(
                CheckpointError,
                match=f'`model.teachers.x.checkpoint`: .*{message}'):
            Teacher('x', cfg, str(tmp_path / checkpoint))


def test_a_module_that_runs_twice(tmp_path):
    _, cfg, path = _saved(tmp_path)
    # one branch per level; its last layer runs once, the encoder's not at all
    teacher = Teacher(
        'x', cfg, path, recorders=dict(a=dict(source='data_preprocessor')))
    with pytest.raises(ConfigError, match='ran 0 times for one batch'):
        teacher(torch.zeros(1, 3, 64, 64), OWN)
