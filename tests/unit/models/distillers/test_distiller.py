import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from mmmultas.models.distillers.distiller import Distiller
from mmmultas.models.losses.distillation import (PDFDistill, SegmentationKL,
                                                 SoftDetection)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_distillation, toy_model
from mmmultas.utils.errors import CheckpointError, ConfigError

STREAMS = dict(det=(('det', ), 3), seg=(('seg', ), 2))


def _batches(streams=None):
    return {
        name: toy_batch(tasks, count, seed=seed)
        for seed, (name, (tasks, count)) in enumerate(
            (streams or STREAMS).items())
    }


def _source(side, recorder, task='det', **kwargs):
    if side == 'student':
        return dict(from_student=True, recorder=recorder, **kwargs)
    return dict(from_student=False, teacher=task, recorder=recorder, **kwargs)


def _outputs(folder, sees='both', losses=('soft', 'pdf', 'kl'), schedule=None,
             **kwargs):
    """A student whose heads are compared with its teachers'."""
    cfg = toy_distillation(folder, channels=8, sees=sees)
    heads = {
        task: dict(type='ModuleOutputs', source=f'heads.{task}')
        for task in ('det', 'seg')
    }
    neck = dict(type='ModuleOutputs', source='neck')
    pair = {
        f'{side}_outputs': _source(side, 'det')
        for side in ('student', 'teacher')
    }
    feats = {side: _source(side, 'feats') for side in ('student', 'teacher')}
    all_losses = dict(
        soft=(dict(type='mmmultas.SoftDetection'), pair),
        pdf=(dict(type='mmmultas.PDFDistill'), {**pair, **feats}),
        kl=(dict(type='mmmultas.SegmentationKL'), {
            side: _source(side, 'seg', 'seg')
            for side in ('student', 'teacher')
        }))
    cfg['distiller'] = dict(
        student_recorders=dict(feats=neck, **heads),
        teacher_recorders={
            task: {'feats': neck, task: heads[task]}
            for task in heads
        },
        distill_losses={
            f'loss_{k}': dict(all_losses[k][0], schedule=schedule)
            for k in losses
        },
        loss_forward_mappings={
            f'loss_{k}': all_losses[k][1]
            for k in losses
        })
    return _built(dict(cfg, **kwargs))


def _built(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def _losses(model, batches=None):
    data = model.data_preprocessor(batches or _batches(), True)
    return model(**data, mode='loss')


def _calls(module):
    """The number of images of every call of a module."""
    calls = []
    module.register_forward_pre_hook(
        lambda m, args: calls.append(
            len(args[0] if torch.is_tensor(args[0]) else args[0][0])))
    return calls


@pytest.mark.parametrize('sees', ['annotated', 'other', 'both'])
def test_recorded_heads_by_hand(tmp_path, sees):
    model = _outputs(tmp_path, sees).eval()
    losses = _losses(model)
    data = model.data_preprocessor(_batches(), True)
    seen = dict(
        annotated=dict(det=['det'], seg=['seg']),
        other=dict(det=['seg'], seg=['det']),
        both=dict(det=['det', 'seg'], seg=['det', 'seg']))[sees]
    ours, theirs, sums = {}, {}, {}
    with torch.no_grad():
        for task in ('det', 'seg'):
            x = torch.cat([data['inputs'][s] for s in seen[task]])
            for store, net in ((ours, model), (theirs, model.teachers[task]
                                               .members[0])):
                feats = net.encode(x)
                store[task] = feats, net.heads[task](feats)
        sums['soft'] = SoftDetection()(ours['det'][1], theirs['det'][1])
        sums['pdf'] = PDFDistill()(ours['det'][0], theirs['det'][0],
                                   ours['det'][1], theirs['det'][1])
        sums['kl'] = SegmentationKL()(ours['seg'][1], theirs['seg'][1])
    for name, terms in sums.items():
        for term, value in terms.items():
            torch.testing.assert_close(losses[f'kd.loss_{name}{term}'],
                                       value.mean())
    assert sum(k.startswith('kd.') for k in losses) == 6


def test_a_recorded_head_runs_once(tmp_path):
    model = _outputs(tmp_path).train()
    calls = {task: _calls(head) for task, head in model.heads.items()}
    inner = {
        'det': _calls(model.heads['det'].cls_branches[0]),
        'seg': _calls(model.heads['seg'].conv_seg)
    }
    norm = model.heads['det'].cls_branches[0][0][1]
    before = int(norm.num_batches_tracked)
    encoder = _calls(model.backbone)
    _losses(model)
    # over both streams, for its own loss and for the teachers'
    assert inner == calls == dict(det=[5], seg=[5])
    assert int(norm.num_batches_tracked) == before + 1
    assert encoder == [3, 2]


def test_recording_does_not_change_what_labels_teach(tmp_path):
    model = _outputs(tmp_path).eval()
    plain = MODELS.build(toy_model()).eval()
    plain.load_state_dict(model.state_dict())
    ours, theirs = _losses(model), _losses(plain)
    for key, value in theirs.items():
        assert torch.equal(ours[key], value)


def test_mixed_samples_are_recorded_whole(tmp_path):
    batches = dict(x=([('det', ), ('seg', ), ()], 3))
    model = _outputs(tmp_path, 'other').eval()
    losses = _losses(model, _batches(batches))
    data = model.data_preprocessor(_batches(batches), True)
    x = data['inputs']['x'][[1, 2]]
    with torch.no_grad():
        teacher = model.teachers['det'].members[0]
        want = SoftDetection()(*(n.heads['det'](n.encode(x))
                                 for n in (model, teacher)))
    torch.testing.assert_close(losses['kd.loss_soft_cls'],
                               want['_cls'].mean())
    one, batch = model.companions['teachers'], data['data_samples']['x']
    assert one.taking_part('loss_soft', batch) == [1, 2]
    batch[1].set_metainfo(dict(supervised=False))
    assert one.taking_part('loss_soft', batch) == [2]


def test_labels_of_the_other_stream_are_never_read(tmp_path):
    model = _outputs(tmp_path).eval()
    batches = _batches()
    strange = toy_batch(('det', 'seg'), 3, seed=7)['data_samples']
    for name, field in (('det', 'gt_sem_seg'), ('seg', 'gt_instances')):
        for sample, other in zip(batches[name]['data_samples'], strange):
            setattr(sample, field, getattr(other, field))
    want, got = _losses(model), _losses(model, batches)
    assert all(torch.equal(want[k], got[k]) for k in want)


def test_a_factor_of_zero_runs_no_teacher_and_no_head(tmp_path):
    model = _outputs(tmp_path, schedule=dict(begin=5, end=10, start=0.0))
    model.train()
    seen = _calls(model.teachers['det'].members[0].backbone)
    heads = _calls(model.heads['det'])
    losses = _losses(model)
    assert seen == [] and heads == [3]
    assert not [k for k in losses if k.startswith('kd.')]
    model.set_update(7)
    half = _losses(model.eval())
    assert seen == [3, 2]
    model.set_update(10)
    full = _losses(model)
    assert seen == [3, 2] * 2
    torch.testing.assert_close(half['kd.loss_kl'], 0.4 * full['kd.loss_kl'])


def test_a_loss_that_ends_lets_its_teacher_go(tmp_path):
    model = _outputs(
        tmp_path, losses=['soft'], schedule=dict(end=9, stop=0.0)).train()
    seen = _calls(model.teachers['det'].members[0].backbone)
    for update, runs in ((0, 2), (8, 4), (9, 4), (10, 4)):
        model.set_update(update)
        losses = _losses(model)
        assert len(seen) == runs
        assert ('kd.loss_soft_box' in losses) == (update < 9)


def test_a_loss_that_begins_later_is_checked_now(tmp_path):
    cfg = toy_distillation(tmp_path)
    for loss in cfg['distiller']['distill_losses'].values():
        loss['schedule'] = dict(end=9, start=0.0)
    cfg['distiller']['connectors']['det']['out_channels'] = 9
    with pytest.raises(ConfigError, match='cannot be compared'):
        _built(cfg)


def test_only_the_heads_that_are_compared_run_on_other_streams(tmp_path):
    model = _outputs(tmp_path, 'annotated', losses=['soft']).train()
    calls = {
        'det': _calls(model.heads['det'].cls_branches[0]),
        'seg': _calls(model.heads['seg'].conv_seg)
    }
    seg = _calls(model.teachers['seg'].members[0].backbone)
    _losses(model)
    assert calls == dict(det=[3], seg=[2]) and seg == []


def test_defeat_takes_boxes_that_exist(tmp_path):
    cfg = toy_distillation(tmp_path)
    cfg['distiller']['distill_losses']['loss_det'] = dict(
        type='mmmultas.DeFeat')
    model = _built(cfg).eval()
    seen = _calls(model.teachers['det'].members[0].backbone)
    losses = _losses(model)
    assert losses['kd.loss_det_fg'] > 0 and seen == [3]
    other = dict(seg=STREAMS['seg'])
    assert not [k for k in _losses(model, _batches(other)) if '_fg' in k]


def test_without_labels_the_recorded_heads_still_learn(tmp_path):
    model = _outputs(tmp_path, train_on_labels=False).train()
    loss, _ = model.parse_losses(_losses(model))
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_features_of_one_scale_per_stream(tmp_path):
    model = _outputs(tmp_path).eval()
    batches = dict(
        det=toy_batch(('det', ), 2, 64), seg=toy_batch(('seg', ), 2, 96))
    assert _losses(model, batches)['kd.loss_kl'] > 0


def _edit(model_cfg, **changes):
    cfg = copy.deepcopy(model_cfg)
    cfg['distiller'].update(changes)
    return cfg


def test_a_part_of_a_head_that_runs_per_level(tmp_path):
    model = _outputs(tmp_path, losses=['soft'])
    branches = model.heads['det'].cls_branches
    branches[1] = branches[0]  # shared by both levels
    model.distiller.recorders['det'] = 'heads.det.cls_branches.0'
    with pytest.raises(
            ConfigError, match="'det.cls_branches.0' of a head ran 2 "
            'times for one batch'):
        _losses(model)


def test_a_module_of_the_encoder_that_runs_twice(tmp_path):
    model = _built(toy_distillation(tmp_path))
    encode = model.encode
    model.encode = lambda x: (encode(x), encode(x))[1]
    with pytest.raises(ConfigError, match="'neck' is recorded, which ran 4 "
                       'times for 2 streams'):
        _losses(model)


@pytest.mark.parametrize('changes, message', [
    (dict(recorder={}), "unknown key 'recorder'"),
    (dict(teacher_recorders=dict(depth={})),
     "teacher_recorders` names 'depth', but the teachers are det, seg"),
    (dict(student_recorders={}), "names 'feats'"),
    (dict(distill_losses=dict(mse=dict(type='mmmultas.FeatureMSE'))),
     "must begin with 'loss'"),
])
def test_errors(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        _built(_edit(toy_distillation(tmp_path), **changes))


def test_terms_have_a_fixed_order(tmp_path):
    model = _outputs(tmp_path)
    assert model.distiller.terms(model) == [
        ('kd', 'loss_soft_box'), ('kd', 'loss_soft_cls'),
        ('kd', 'loss_pdf_feature'), ('kd', 'loss_pdf_cls'),
        ('kd', 'loss_pdf_box'), ('kd', 'loss_kl')
    ]
    assert model.counted_terms()[-1] == ('kd', 'loss_kl')


def test_nothing_to_distil():
    with pytest.raises(ConfigError, match='neither `distill_losses` nor'):
        Distiller(MODELS.build(toy_model()), dict(det={}))


def test_fused_streams_remember_their_heads(tmp_path):
    apart, fused = _outputs(tmp_path).eval(), _outputs(tmp_path).eval()
    fused.fuse_batches = True
    inner = _calls(fused.heads['det'].cls_branches[0])
    ours, theirs = _losses(apart), _losses(fused)
    assert inner == [5] and set(ours) == set(theirs)
    for key, value in ours.items():
        torch.testing.assert_close(value, theirs[key])


def test_a_teacher_of_a_task_that_the_student_has_not(tmp_path):
    """[P2] Table 5: a segmentation teacher for a detection student."""
    cfg = toy_distillation(tmp_path, sees='other')
    cfg['architecture'] = toy_model(('det', ))
    del cfg['teachers']['det']
    for key in ('teacher_recorders', 'connectors'):
        del cfg['distiller'][key]['det']
    for key in ('distill_losses', 'loss_forward_mappings'):
        del cfg['distiller'][key]['loss_det']
    model = _built(cfg).train()
    losses = _losses(model, _batches(dict(det=STREAMS['det'])))
    assert losses['kd.loss_seg'] > 0
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert model.backbone.stem[0].weight.grad is not None


def test_stock_heads_are_remembered_too(tmp_path):
    cfg = toy_distillation(tmp_path)
    head = dict(
        type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1,
        num_classes=3)
    cfg['architecture']['heads']['seg'] = head
    plain = toy_model(('seg', ))
    plain['heads']['seg'] = head
    torch.save(
        dict(state_dict=MODELS.build(plain).state_dict()),
        tmp_path / 'seg.pth')
    cfg['teachers']['seg']['cfg'] = plain
    distiller, out = cfg['distiller'], dict(source='heads.seg')
    distiller['student_recorders'] = dict(
        distiller['student_recorders'], out=out)
    distiller['teacher_recorders']['seg'] = dict(out=out)
    distiller['distill_losses']['loss_seg'] = dict(
        type='mmmultas.SegmentationKL')
    distiller['loss_forward_mappings']['loss_seg'] = {
        side: _source(side, 'out', 'seg')
        for side in ('student', 'teacher')
    }
    del distiller['connectors']['seg']
    model = _built(cfg).train()
    inner = _calls(model.heads['seg'].conv_seg)
    losses = _losses(model)
    assert inner == [5] and losses['kd.loss_seg'] > 0
    assert 'seg.loss_ce' in losses


def _companion(cfg, **changes):
    """A toy distillation as a companion of the plain model."""
    found = dict(type='mmmultas.Distiller', teachers=cfg['teachers'],
                 **cfg['distiller'])
    found.update(changes)
    return {k: v for k, v in found.items() if v is not None}


def test_two_distillers_keep_their_losses(tmp_path):
    cfg = toy_distillation(tmp_path)
    pseudo = dict(type='mmmultas.Distiller', teachers=cfg['teachers'],
                  pseudo_labels=dict(seg=dict(min_score=.3)))
    init_default_scope('mmdet')
    model = MODELS.build(dict(toy_model(), companions=dict(
        features=_companion(cfg), labels=pseudo)))
    losses = _losses(model.train())
    assert {k.split('.')[0] for k in losses} == {'det', 'seg', 'kd', 'pseudo'}


def test_messages_name_the_keys_of_a_companion(tmp_path):
    cfg = toy_distillation(tmp_path)
    init_default_scope('mmdet')
    with pytest.raises(ConfigError, match='`model.companions.kd.connectors'):
        MODELS.build(dict(toy_model(), companions=dict(kd=_companion(
            cfg, connectors=dict(det=dict(type='mmmultas.No'))))))
    cfg['teachers']['det']['checkpoint'] = str(tmp_path / 'gone.pth')
    model = MODELS.build(dict(toy_model(), companions=dict(
        kd=_companion(cfg))))
    with pytest.raises(CheckpointError, match='companions.kd.teachers.det'):
        model.prepare()
