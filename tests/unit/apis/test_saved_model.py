from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

import mmmultas.testing  # noqa: F401
from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.saved_model import (choose_device, eval_geometry,
                                       load_saved_model, refuse_strangers)
from mmmultas.registry import MODELS
from mmmultas.utils.errors import CheckpointError, ConfigError


def test_everything_comes_from_the_checkpoint(save_toy):
    path = save_toy()
    saved = load_saved_model(path, device='cpu')
    assert saved.meta['seg']['classes'] == ('background', 'square', 'bar')
    assert len(saved.meta['det']['palette']) == 2
    assert saved.load_image == dict(type='mmmultas.LoadImage')
    assert saved.geometry == [dict(type='mmmultas.Squash', size=64)]
    assert not saved.model.training
    state = torch.load(path)['state_dict']
    assert all(torch.equal(value, state[key])
               for key, value in saved.model.state_dict().items())


def test_weights_of_imagenet_and_scoring_sizes_are_not_wanted(save_toy):

    def edit(cfg):
        cfg.model.backbone.init_cfg = dict(
            type='mmmultas.Pretrained', checkpoint='torchvision://nothing')
        cfg.model.heads.seg.test_cfg = dict(eval_size=(9, 9))

    model = load_saved_model(save_toy(edit=edit)).model
    assert not model.tasks['seg'].test_cfg


def test_a_checkpoint_without_config_or_classes(save_toy, tmp_path):
    path = save_toy()
    content = torch.load(path)
    text = content['meta'].pop('cfg')
    content['meta'].pop('dataset_meta')
    torch.save(content, path)
    with pytest.raises(CheckpointError, match='holds no config.*--config'):
        load_saved_model(path)
    config = tmp_path / 'config.py'
    config.write_text(text)
    saved = load_saved_model(path, config)
    assert saved.meta['det']['classes'] == ('class 0', 'class 1')
    assert saved.meta['det']['palette'] is None
    # names that validation alone has, and that training's go before
    content['meta'].update(judged_meta=dict(
        det=dict(classes=('a', 'b')), seg=dict(classes=('x', 'y', 'z'))),
        dataset_meta=dict(det=dict(classes=('c', 'd'))))
    torch.save(content, path)
    saved = load_saved_model(path, config)
    assert saved.meta['det']['classes'] == ('c', 'd')
    assert saved.meta['seg']['classes'] == ('x', 'y', 'z')


def test_addresses_of_new_style_configs(save_toy):
    """They name classes where they are imported from, not registered."""

    def edit(cfg):
        cfg.model.type = 'mmmultas.models.multitask.MultiTaskDetSeg'
        cfg.model.neck.type = 'mmmultas.models.necks.ContextFPN'
        cfg.test_dataloader.val.dataset.pipeline[1].type = (
            'mmmultas.datasets.transforms.geometry.Squash')

    saved = load_saved_model(save_toy(edit=edit))
    assert type(saved.model.neck).__name__ == 'ContextFPN'

    def another(cfg):
        cfg.model.neck.type = 'mmmultas.models.necks.ContextEnhancement'

    with pytest.raises(CheckpointError, match='not registered'):
        load_saved_model(save_toy(edit=another))


def hostile_types(trap):
    order = f'__import__("os").mkdir({str(trap)!r})'
    return {
        'an imported function': dict(type='os.mkdir', path='trap'),
        'a function of MMEngine': dict(
            type='mmengine.mkdir_or_exist', dir_name='trap'),
        'a plain module': dict(type='antigravity'),
        'another scope': dict(type='AnchorGrid', _scope_='os'),
        'an evaluated NMS': dict(nms=dict(type=order)),
        'a type that is no name': dict(type=7),
        'a path': dict(type='LAD', teacher_config='/tmp/x'),
        'a file': dict(type='LAD', teacher_config='x.py'),
    }


@pytest.mark.parametrize('case', sorted(hostile_types('x')))
@pytest.mark.parametrize('place', ['backbone', 'pipeline'])
def test_what_is_not_registered_is_not_built(save_toy, tmp_path, monkeypatch,
                                             case, place):
    monkeypatch.chdir(tmp_path)
    stranger = hostile_types(tmp_path / 'trap')[case]

    def edit(cfg):
        if place == 'backbone':
            cfg.model.backbone = dict(
                type='mmmultas.ToyBackbone', part=[stranger])
        else:
            cfg.test_dataloader.val.dataset.pipeline = [
                dict(type='mmmultas.Squash', size=64, more=stranger)]

    path = save_toy(edit=edit)
    with pytest.raises(CheckpointError, match='toy.pth is refused'):
        load_saved_model(path)
    assert not (tmp_path / 'trap').exists()


def test_a_config_that_runs_is_refused(save_toy, tmp_path):
    trap = tmp_path / 'trap'
    path = save_toy(
        text=lambda text: f'{text}\nx = __import__("os").mkdir("{trap}")')
    with pytest.raises(CheckpointError, match='__import__'):
        load_saved_model(path)
    assert not trap.exists()


def test_every_config_of_the_repository_may_be_built():
    for path in sorted(Path('configs').glob('[!_]*/*.py')):
        cfg = Config.fromfile(path)
        model = cfg.model.to_dict()
        model = model.get('architecture', model)  # teachers stay behind
        model.pop('companions', None)
        model['backbone'].pop('init_cfg', None)
        refuse_strangers(model, path.name, 'model')
        load_image, geometry = eval_geometry(cfg)
        # maps of classes are looked at in the images' own sizes
        own_size = path.stem.startswith(('rn50_cam', 'rn50_recam'))
        assert [step['type'] for step in geometry] == (
            [] if own_size else ['mmmultas.Squash'])


def test_pipelines_inside_wrappers_and_their_own_reader():
    inner = dict(pipeline=[
        dict(type='mmmultas.LoadImage', exif=True),
        dict(type='Resize', scale=(64, 64)),
        dict(type='LoadAnnotations'),
        dict(type='PackDetInputs')
    ])
    cfg = dict(test_dataloader=dict(
        a=None, b=dict(dataset=dict(datasets=[dict(dataset=inner)]))))
    load_image, geometry = eval_geometry(cfg)
    assert load_image['exif']
    assert geometry == [dict(type='Resize', scale=(64, 64))]
    assert eval_geometry({}) == (dict(type='mmmultas.LoadImage'), [])


def test_device_that_is_not_there():
    assert choose_device('cpu').type == 'cpu'
    for name in ('cuda:77', 'abacus'):
        with pytest.raises(ConfigError, match=name):
            choose_device(name)


def test_weights_of_another_model(save_toy):

    def edit(cfg):
        cfg.model.heads.seg.channels = 4

    with pytest.raises(CheckpointError, match='toy.pth does not fit'):
        load_saved_model(save_toy(edit=edit))


def test_a_model_of_another_kind(save_toy):

    def edit(cfg):
        cfg.model = dict(type='mmmultas.ToyBackbone')

    with pytest.raises(CheckpointError, match='holds a ToyBackbone'):
        load_saved_model(save_toy(edit=edit))


@pytest.mark.parametrize('name', ['stock-heads', 'fcos-deeplab'])
def test_stock_heads_look_at_the_mirror_image_too(tmp_path, name):
    cfg = Config.fromfile(f'configs/multas/rn18_fpn_mtl_{name}.py')
    model = cfg.model.to_dict()
    model['backbone'].pop('init_cfg', None)
    with DefaultScope.overwrite_default_scope('mmdet'):
        weights = MODELS.build(model).state_dict()
    path = tmp_path / 'stock.pth'
    torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=weights), path)
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, 48:] = 200
    inferencer = MultiTaskInferencer(path, tta=True)
    inferencer._pipeline.transforms[0].size = (64, 96)
    seen, other = inferencer([image, image[:, ::-1].copy()])
    agree = seen['seg_map'] == other['seg_map'][:, ::-1]
    assert seen['seg_map'].shape == (64, 96) and agree.mean() > .99
    np.testing.assert_allclose(seen['scores'], other['scores'], atol=1e-4)


def test_meta_of_a_strange_shape(save_toy):
    path = save_toy()
    content = torch.load(path)
    content['meta']['dataset_meta'] = dict(det='cat', tasks=('det', ))
    torch.save(content, path)
    assert load_saved_model(path).meta['det']['classes'] == (
        'class 0', 'class 1')
    content['meta'] = ['no', 'dict']
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="holds a list as 'meta'"):
        load_saved_model(path)


@pytest.mark.parametrize('change', [
    dict(backbone=dict(type='mmmultas.ToyBackbone', channels=-3)),
    dict(neck=dict(type='mmmultas.ContextFPN', colour='red')),
    dict(heads='x'),
])
def test_a_model_that_cannot_be_built(save_toy, change):

    def edit(cfg):
        for key, value in change.items():
            cfg.model[key] = value

    with pytest.raises((CheckpointError, ConfigError)) as error:
        load_saved_model(save_toy(edit=edit))
    assert '\n' not in str(error.value)
