import copy

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_distillation, toy_model
from mmmultas.utils.errors import CheckpointError, ConfigError


def _build(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def _batches():
    return dict(
        det=toy_batch(('det', ), 3), seg=toy_batch(('seg', ), 2, seed=1))


def _losses(model, batches=None):
    data = model.data_preprocessor(batches or _batches(), True)
    return model(**data, mode='loss')


def test_the_student_is_the_plain_model(tmp_path):
    model = _build(toy_distillation(tmp_path))
    plain = MODELS.build(toy_model())
    assert list(model.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(model.state_dict())
    model.load_state_dict(plain.state_dict())
    names = dict(model.named_parameters())
    beside = [n for n in names if not n.startswith(('backbone', 'neck',
                                                    'heads'))]
    assert beside and all(
        n.startswith('companions.teachers.connectors.') for n in beside)
    assert len(dict(model.named_modules())) < 2 * len(
        dict(plain.named_modules()))
    with pytest.raises(RuntimeError, match='neck'):
        model.load_state_dict({
            k: v
            for k, v in plain.state_dict().items() if 'neck' not in k
        })


@pytest.mark.parametrize('sees, counts', [
    ('annotated', dict(det=3, seg=2)),
    ('other', dict(det=2, seg=3)),
    ('both', dict(det=5, seg=5)),
])
def test_which_images_a_teacher_sees(tmp_path, sees, counts):
    model = _build(toy_distillation(tmp_path, sees=sees)).train()
    seen = dict(det=[], seg=[])
    for name, teacher in model.teachers:
        teacher.members[0].register_forward_pre_hook(
            lambda *a: pytest.fail('heads are not needed'))
        encode = teacher.members[0].backbone.register_forward_hook(
            lambda m, args, out, name=name: seen[name].append(len(args[0])))
        assert encode
    losses = _losses(model)
    assert {name: sum(n) for name, n in seen.items()} == counts
    # once per stream, however many losses
    assert all(len(n) == (2 if sees == 'both' else 1)
               for n in seen.values())
    assert {'kd.loss_det', 'kd.loss_seg', 'det.loss_cls'} <= set(losses)
    assert losses['kd.loss_det'] > 0


def test_feature_losses_by_hand(tmp_path):
    model = _build(toy_distillation(tmp_path, sees='annotated')).train()
    probe = copy.deepcopy(model)
    losses = _losses(model)
    data = probe.data_preprocessor(_batches(), True)
    for task in ('det', 'seg'):
        x = data['inputs'][task]
        ours = probe.distiller.connectors[task](probe.encode(x))
        with torch.no_grad():
            theirs = model.teachers[task].members[0].encode(x)
        flat = [torch.cat([v.flatten() for v in f]) for f in (ours, theirs)]
        torch.testing.assert_close(
            losses[f'kd.loss_{task}'], 5 * ((flat[0] - flat[1])**2).mean())


def test_only_the_student_and_its_connectors_learn(tmp_path):
    model = _build(toy_distillation(tmp_path)).train()
    teachers = [t.members[0] for _, t in model.teachers]
    frozen = [copy.deepcopy(t.state_dict()) for t in teachers]
    before = {k: v.clone() for k, v in model.named_parameters()}
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    model.train_step(_batches(), optim)
    model.train()
    for teacher, state in zip(teachers, frozen):
        assert not any(m.training for m in teacher.modules())
        assert all(
            torch.equal(v, state[k]) for k, v in teacher.state_dict().items())
        assert not any(p.requires_grad for p in teacher.parameters())
    moved = {
        k.split('.')[0]
        for k, v in model.named_parameters() if not torch.equal(v, before[k])
    }
    assert moved == {'backbone', 'neck', 'heads', 'companions'}


def test_a_copy_shares_the_teachers_and_they_move_along(tmp_path):
    model = _build(toy_distillation(tmp_path))
    twin = copy.deepcopy(model)
    assert twin.teachers is model.teachers
    assert twin.backbone is not model.backbone
    model.double()
    assert next(
        model.teachers['det'].members[0].parameters()).dtype == torch.float64


def test_testing_needs_no_teacher(tmp_path):
    cfg = toy_distillation(tmp_path)
    for teacher in cfg['teachers'].values():
        teacher['checkpoint'] = str(tmp_path / 'gone.pth')
    model = MODELS.build(cfg).eval()
    samples = model.val_step(toy_batch((), 2))
    assert 'pred_instances' in samples[0]
    with pytest.raises(CheckpointError, match='gone.pth does not exist'):
        _losses(model.train())


def test_labels_may_be_left_to_the_teachers(tmp_path):
    model = _build(
        dict(toy_distillation(tmp_path), train_on_labels=False)).train()
    losses = _losses(model)
    assert set(losses) == {'kd.loss_det', 'kd.loss_seg'}
    unlabelled = _losses(model, dict(x=toy_batch((), 3)))
    assert set(unlabelled) == {'kd.loss_det', 'kd.loss_seg'}


def test_a_teacher_that_sees_nothing(tmp_path):
    model = _build(
        dict(toy_distillation(tmp_path, sees='annotated'),
             train_on_labels=False)).train()
    losses = _losses(model, dict(x=toy_batch((), 3)))
    assert set(losses) == {'loss_unlabelled'}


def test_fused_streams_give_the_same_features_to_compare(tmp_path):
    cfg = toy_distillation(tmp_path, sees='other')
    apart = _build(cfg).eval()
    cfg['architecture']['fuse_batches'] = True
    fused = _build(cfg).eval()
    ours, theirs = _losses(apart), _losses(fused)
    assert set(ours) == set(theirs)
    for key, value in ours.items():
        torch.testing.assert_close(value, theirs[key])


def test_withheld_labels_do_not_reach_the_losses(tmp_path):
    model = _build(toy_distillation(tmp_path)).eval()
    batches = _batches()
    want = _losses(model, batches)
    other = toy_batch(('det', 'seg'), 3, seed=7)['data_samples']
    batches = _batches()
    for sample, strange in zip(batches['det']['data_samples'], other):
        sample.gt_sem_seg = strange.gt_sem_seg
    for sample, strange in zip(batches['seg']['data_samples'], other):
        sample.gt_instances = strange.gt_instances
    got = _losses(model, batches)
    assert all(torch.equal(want[k], got[k]) for k in want)


def test_connectors_are_saved_beside(tmp_path):
    model = _build(toy_distillation(tmp_path))
    own = model.extra_state()['teachers']
    state = {k: v.clone() + 1 for k, v in own.items()}
    # the second as it was written when teachers were the only companions
    for written in (dict(teachers=state), state):
        for value in own.values():
            value.zero_()
        model.load_extra_state(written)
        assert all(torch.equal(v, state[k]) for k, v in own.items())
    for other, message in ((dict(teachers={}), 'other connectors'),
                           (dict(xtc={}), 'with the companions xtc, but')):
        with pytest.raises(ConfigError, match=message):
            model.load_extra_state(other)


@pytest.mark.parametrize('edit, message', [
    (lambda c: c.update(teachers={}), '`model.teachers` is empty'),
    (lambda c: c['architecture'].update(type='FasterRCNN'),
     '`model.architecture.type`'),
    (lambda c: c['architecture'].update(type=3), '`model.architecture.type`'),
    *[(lambda c, key=key, value=value: c.update({key: value}),
       f'^`model.{key}` must be a mapping')
      for key in ('architecture', 'distiller', 'teachers')
      for value in ('x', ['x'])],
    (lambda c: c.update(architecture=None), '^`model.architecture` must be'),
    (lambda c: c.update(distiller=None), '^`model.distiller` must be'),
    *[(lambda c, value=value: c['teachers'].update(det=value),
       '^`model.teachers.det` must be a mapping')
      for value in (None, 'det.py')],
    *[(lambda c, value=value: c['teachers']['det'].update(cfg=value),
       '^`model.teachers.det.cfg` must be a config file')
      for value in (None, 'README.md', 3, ['det.py'])],
    *[(lambda c, value=value: c['teachers']['det'].update(checkpoint=value),
       '^`model.teachers.det.checkpoint` must be a file')
      for value in (None, 3, [3], dict(a='x.pth'))],
    (lambda c: c['teachers']['det'].pop('checkpoint'),
     '^`model.teachers.det.checkpoint` must be a file'),
    (lambda c: c['distiller'].update(teacher_recorders=['det']),
     '^`model.distiller.teacher_recorders` must be a mapping'),
    *[(lambda c, value=value: c['distiller']['teacher_recorders'].update(
        det=value),
       '^`model.distiller.teacher_recorders.det` must be a mapping')
      for value in (None, 'neck')],
    *[(lambda c, key=key: c['distiller'].update({key: ['det']}),
       f'^`model.distiller.{key}` must be a mapping')
      for key in ('student_recorders', 'connectors', 'distill_losses',
                  'loss_forward_mappings')],
    (lambda c: c['architecture'].update(sequential=True), 'sequential'),
    (lambda c: c['teachers']['det'].update(sees='all'), '`model.teachers.det'),
    (lambda c: c['teachers']['det'].update(speed=1), 'cannot be built'),
    (lambda c: c['distiller'].update(connectors={}), "names 'det'"),
    (lambda c: c['distiller'].update(losses={}), "unknown key 'losses'"),
    (lambda c: c['distiller']['student_recorders']['feats'].update(
        source='nek'), "did you mean 'neck'"),
    (lambda c: c['distiller']['teacher_recorders']['det'].update(
        feats=dict(type='ModuleOutputs', source='neck.x')), "'neck.x'"),
    (lambda c: c['distiller']['connectors']['det'].update(out_channels=9),
     'cannot be compared'),
    (lambda c: c['distiller']['connectors']['det'].update(in_channels=9),
     'LevelProjection for 2 levels of 9'),
])
def test_errors(tmp_path, edit, message):
    cfg = copy.deepcopy(toy_distillation(tmp_path))
    edit(cfg)
    with pytest.raises(ConfigError, match=message):
        _build(cfg)


def test_a_checkpoint_that_leaves_something_unfilled(tmp_path):
    cfg = toy_distillation(tmp_path)
    state = torch.load(tmp_path / 'det.pth')['state_dict']
    state.pop('neck.context.0.weight', None)
    first = next(iter(state))
    del state[first]
    torch.save(dict(state_dict=state), tmp_path / 'det.pth')
    with pytest.raises(
            CheckpointError, match='model.teachers.det.checkpoint.*1 of'):
        _build(cfg)


@pytest.mark.parametrize('sees, carried, mute', [
    ('annotated', [('det', )], ['loss_seg']),
    ('annotated', [()], ['loss_det', 'loss_seg']),
    ('other', [('det', ), ('seg', )], []),
    ('other', [('det', 'seg')], ['loss_det', 'loss_seg']),
    ('both', [()], []),
])
def test_losses_that_can_never_speak(tmp_path, sees, carried, mute):
    cfg = toy_distillation(tmp_path)
    for teacher in cfg['teachers'].values():
        teacher['sees'] = sees
    model = MODELS.build(cfg)
    assert sorted(model.mute_losses(carried)) == [
        f'model.distiller.distill_losses.{name}' for name in mute]


def test_a_loss_that_needs_boxes_of_images_without(tmp_path):
    cfg = toy_distillation(tmp_path)
    cfg['distiller']['distill_losses']['loss_det'] = dict(
        type='mmmultas.DeFeat')
    cfg['teachers']['det']['sees'] = 'other'
    model = MODELS.build(cfg)
    (key, why), = model.mute_losses([('det', ), ('seg', )]).items()
    assert key == 'model.distiller.distill_losses.loss_det'
    assert "'det' sees" in why and '`model.teachers.det.sees`' in why
