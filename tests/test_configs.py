"""Every config parses, builds, takes one shrunken step and predicts."""
import copy
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData

import mmmultas
from mmmultas.registry import MODELS
from mmmultas.structures import gt_field, pred_field, sem_seg_data
from mmmultas.testing import toy_batch

ROOT = Path(mmmultas.__file__).parents[1]
#: Which images teachers see, by the number in kd-0mse, kd-1mse, kd-2mse.
SEES = ('other', 'annotated', 'both')
CONFIGS = sorted((ROOT / 'configs').glob('[!_]*/*.py'))


def _name(path):
    return path.stem


def _student(cfg):
    """The config of the network itself, of a distilled one the student's."""
    return cfg.model.get('architecture', cfg.model)


@cache
def _config(path):
    """A config that nobody changes."""
    return Config.fromfile(path)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Checkpoints of teachers, which many students share."""
    return tmp_path_factory.mktemp('teachers')


def _shrunken(path, folder):
    """The config's model, without weights from outside."""
    cfg = copy.deepcopy(_config(path))
    _student(cfg).backbone.init_cfg = None
    init_default_scope(cfg.default_scope)
    for teacher in cfg.model.get('teachers', {}).values():
        # a teacher that has learnt nothing yet; sure of all that it sees
        for rule in cfg.model.distiller.get('pseudo_labels', {}).values():
            rule.min_score = 0.0
        file = folder / f'{Path(teacher.cfg).stem}.pth'
        if not file.exists():
            model = MODELS.build(_student(_config(ROOT / teacher.cfg)))
            torch.save(dict(state_dict=model.state_dict()), file)
        teacher.checkpoint = str(file)
    if path.parent.name == 'mtpsl':
        _narrow(cfg, folder)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return cfg, model


def _narrow(cfg, folder):
    """The networks of MTPSL with few channels, and what they read."""
    widths, dilated = (4, 4, 8, 8, 8), 'depth' in cfg.model.backbone
    if dilated:
        cfg.model.backbone.base_channels = 8
    else:
        cfg.model.backbone.widths = cfg.model.neck.widths = widths
    for head in filter(None, cfg.model.heads.values()):
        head.update(dict(in_channels=64, channels=8) if dilated else
                    dict(in_channels=4))
    for one in cfg.model.get('companions', {}).values():
        if 'Mapping' in one.type:  # SegNets between tasks
            one.widths = widths
        elif 'CrossTask' in one.type:
            one.mapping = dict(type='mmmultas.ResNetMapping', base=8) if (
                dilated) else dict(type='mmmultas.SegNetMapping',
                                   widths=widths)
        if 'checkpoint' in one:
            other = dict(one, type='mmmultas.DirectMapping')
            del other['checkpoint']
            model = MODELS.build(dict(cfg.model, companions=dict(xtc=other)))
            one.checkpoint = str(folder / 'maps.pth')
            torch.save(dict(companions=model.extra_state()), one.checkpoint)


def _streams(cfg):
    """A batch of two toy images for each stream of the config."""
    return {
        name: _batch(stream)
        for name, stream in cfg.train_dataloader.items() if stream
    }


def _batch(stream):
    """Square images, or such of the shape that the pipeline makes."""
    tasks = tuple(stream.dataset.tasks)
    if 'regime' in stream.dataset and len(tasks) > 1:
        # an image per task, and its mirror image where there is a second view
        views = [t for t in stream.dataset.pipeline if 'SecondView' in t.type]
        whole = stream.dataset.regime.regime == 'full'
        return toy_batch([tasks] if whole else [(task, ) for task in tasks],
                         len(tasks), 64, second_view=bool(views))
    size = [t['size'] for t in stream.dataset.pipeline if 'size' in t][-1]
    if isinstance(size, int) or size[0] == size[1]:
        return toy_batch(tasks, 2, 64)
    less = max(1, size[0] // 64)
    height, width = (side // less for side in size)
    assert height < width
    batch = toy_batch(tasks, 2, width)
    batch['inputs'] = [image[:, :height] for image in batch['inputs']]
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(img_shape=(height, width),
                                 ori_shape=(height, width)))
        for task in set(tasks) - {'det'}:
            label = sample.get(gt_field(task))
            cut = label.data[:, :height]
            setattr(sample, gt_field(task), sem_seg_data(cut)
                    if 'sem_seg' in label else PixelData(data=cut))
    return batch


def _what_steps(cfg):
    """All of a config that decides the step of a test."""
    streams = [(name, tuple(s.dataset.tasks),
                [t['size'] for t in s.dataset.pipeline if 'size' in t])
               for name, s in cfg.train_dataloader.items() if s]
    return repr((cfg.model, streams))


#: What has taken its step already: variants of data share a network.
STEPPED = set()


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_one_step(path, folder):
    what = _what_steps(_config(path))
    if what in STEPPED:
        return
    STEPPED.add(what)
    cfg, model = _shrunken(path, folder)
    before = {k: v.clone() for k, v in model.named_parameters()}
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    model.train()
    logs = model.train_step(_streams(cfg), optim)
    assert torch.isfinite(logs['loss'])
    terms = {
        t for s in cfg.train_dataloader.values() if s for t in s.dataset.tasks
    }
    if 'teachers' in cfg.model:
        terms.add('pseudo' if '_hard' in path.stem else 'kd')
    if {'b4m', 'm4b', 'bombo'} & set(path.stem.split('_')):
        terms.add('weak')
    if 'xtc' in cfg.model.get('companions', {}):
        terms.add('xtc')
    if path.parent.name == 'cam':
        terms = {'seg'}  # the classes of boxes
    assert {k.split('.')[0] for k in logs if k != 'loss'} == terms
    for task, head in model.heads.items():
        if f'heads.{task}' in cfg.model.get('frozen', ()):
            continue
        moved = [
            not torch.equal(before[f'heads.{task}.{name}'], value)
            for name, value in head.named_parameters()
        ]
        assert any(moved), task
    model.eval()
    samples = model.val_step(toy_batch((), 1, 64))
    for task in model.heads:
        assert pred_field(task) in samples[0]


@pytest.mark.parametrize(
    'path', [p for p in CONFIGS if 'citys' in p.stem
             and p.parent.name != 'mtpsl'], ids=_name)
def test_prediction_of_images_that_are_not_square(path, folder):
    cfg, model = _shrunken(path, folder)
    streams = cfg.train_dataloader
    batch = _batch(streams.get('seg') or streams.train)
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(ori_shape=(50, 90), scale_factor=(128 / 90,
                                                                   64 / 50)))
    samples = model.eval().val_step(batch)
    if 'seg' in model.heads:
        assert samples[0].pred_sem_seg.data.shape == (1, 50, 90)
    else:
        assert samples[0].pred_instances.bboxes.shape[1] == 4


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_parts_agree(path):
    """Heads, streams, evaluators and selection speak of the same tasks."""
    cfg = _config(path)
    heads = {task for task, head in _student(cfg).heads.items() if head}
    assert set(_student(cfg).task_weights) == heads
    streams = [s for s in cfg.train_dataloader.values() if s]
    labels = {t for s in streams for t in s.dataset.tasks}
    if path.parent.name == 'cam':
        assert (labels, heads) == ({'det'}, {'seg'})
        labels = heads
    frozen = cfg.model.get('frozen', ())
    rest = {t for t in heads if f'heads.{t}' in frozen}
    # what nobody has labelled is left to teachers, or rests
    assert labels == heads - rest or (labels < heads
                                      and 'teachers' in cfg.model)
    for key in ('val', 'test'):
        evaluators = cfg[f'{key}_evaluator']
        assert {t for t, metric in evaluators.items() if metric} == heads
        carried = [set(x.dataset.tasks)
                   for x in cfg[f'{key}_dataloader'].values()]
        if path.parent.name == 'cam':  # boxes: to judge maps cut to them
            assert carried == [{'det', 'seg'}]
            continue
        # a stream for both labels, or one for each
        assert set.union(*carried) == heads
        assert sum(map(len, carried)) == len(heads)
    selected = {k.split('/')[0] for k, w in cfg.val_cfg.selection.items() if w}
    assert selected == heads
    images = sum(s.batch_size for s in streams)
    if cfg.train_cfg.alternate == 'epoch':
        images = max(s.batch_size for s in streams)
    assert cfg.auto_scale_lr.base_batch_size == images


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_names_tell_the_method(path):
    backbone, _, method = path.stem.split('_')[:3]
    cfg = _config(path)
    if path.parent.name == 'cam':  # maps of the backbone: there is no neck
        method = 'seg'
        assert cfg.model.get('neck') is None
        assert ('_recam_' in path.stem) == bool(
            cfg.model.heads.seg.get('loss_recam_weight'))
    depth = dict(rn18=18, rn50=50).get(backbone.split('-')[0])
    assert _student(cfg).backbone.get('depth') == depth
    heads = {task for task, head in _student(cfg).heads.items() if head}
    if method == 'all-tasks':
        assert len(heads) > 2
    elif method == 'dense':
        assert len(heads) > 1 and 'det' not in heads
    else:
        assert heads == ({'det', 'seg'} if method == 'mtl' else {method})
    alternate = 'epoch' if '_mtl_epoch' in path.stem else 'iteration'
    assert cfg.train_cfg.alternate == alternate
    if path.parent.name == 'interdependent' and 'citys' in path.stem:
        return  # Cityscapes has both labels on every image
    # GrabCut's masks lie beside the boxes they are made of
    assert ('_mtl_full' in path.stem or '_grabcut' in path.stem) == any(
        s and len(s.dataset.tasks) == 2 and heads == {'det', 'seg'}
        for s in cfg.train_dataloader.values())


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_names_tell_the_variant(path):
    cfg = _config(path)
    streams = {k: v.dataset for k, v in cfg.train_dataloader.items() if v}
    halved = {k for k, data in streams.items()
              if data.get('fraction', 1) == 0.5}
    words = path.stem.split('_')[2:]
    half = {w.removeprefix('half-') for w in words if w.startswith('half-')}
    # students learn from parts as a matter of course
    if path.parent.name != 'selftrain':
        assert halved == (half or ({words[0]} if 'half' in words else set()))
    tuned = [w for w in words if w.startswith(('finetune-', 'stage'))]
    # ReCAM goes on from CAM
    starts = tuned != ['stage1'] and tuned or [
        w for w in path.stem.split('_')[1:2] if w == 'recam']
    assert bool(starts) == bool(cfg.load_from)
    if starts and starts[0].startswith('stage'):
        before = f'stage{int(starts[0][5:]) - 1}'
        assert Path(cfg.load_from).name == path.stem.replace(starts[0],
                                                             before)
    assert bool(cfg.model.get('frozen')) == (
        tuned in (['finetune-head'], ['stage2'], ['stage3']))
    merged = [w.split('groups')[1] for w in words if 'groups' in w]
    mapped = {data.label_map.seg for data in streams.values()
              if 'seg' in data.get('label_map', {})}
    assert mapped == {f'groups{n}' for n in merged}
    if merged:
        assert cfg.model.heads.seg.num_classes == int(merged[0]) + 1
    teaches = {'selftrain'} & set(words) or any('kd' in w for w in words)
    assert bool(teaches) == ('teachers' in cfg.model)
    heard = dict(zip(('kd-0mse', 'kd-1mse', 'kd-2mse'), SEES))
    for seen in [heard[w] for w in words if w in heard]:
        assert {t.sees for t in cfg.model.teachers.values()} == {seen}


@pytest.mark.parametrize(
    'path', [p for p in CONFIGS if p.parent.name == 'selftrain' and
             'voc-mini' not in p.stem], ids=_name)
def test_training_is_that_of_the_self_training_paper(path):
    """SPEC 6: length, rate, batches, views, losses and when it stops."""
    cfg = _config(path)
    assert (cfg.train_cfg.max_epochs, cfg.optim_wrapper.optimizer.lr) == (
        70, 0.01)
    hooks = [h for h in cfg.custom_hooks if 'EarlyStopping' in h.type]
    distilled = 'teachers' in cfg.model
    assert [h.min_delta for h in hooks] == [0.04 if distilled else 0.07]
    teacher = '_teacher' in path.stem
    streams = [s for s in cfg.train_dataloader.values() if s]
    assert all(s.double_aug for s in streams)
    assert {s.batch_size for s in streams} == {5 if teacher else 10}
    head = _student(cfg).heads.get('det')
    if head:
        assert head.loss_cls.type == 'mmmultas.QualityFocalLoss'
        assert ('MutualGuide' in head.assigner.type) == teacher
    for guest in cfg.model.get('teachers', {}).values():
        assert '_teacher' in Path(guest.cfg).stem
        assert Path(guest.checkpoint).name == Path(guest.cfg).stem
