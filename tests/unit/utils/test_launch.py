import pytest
import torch
from mmengine.config import Config

from mmmultas.testing import toy_config
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import (build_runner, check_options, load_config,
                                   use_amp)


def test_load_config(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('a = dict(b=1)\n')
    assert load_config(path, {'a.b': 2}).a.b == 2
    with pytest.raises(ConfigError, match='none.py does not exist'):
        load_config(tmp_path / 'none.py')
    path.write_text("_base_ = './gone.py'\n")
    with pytest.raises(ConfigError, match='inherits'):
        load_config(path)
    path.write_text('a = (\n')
    with pytest.raises(ConfigError, match='does not parse'):
        load_config(path)


@pytest.mark.parametrize('gpu, kind', [
    (True, 'AmpOptimWrapper'), (False, 'mmmultas.BFloat16OptimWrapper')])
def test_amp_by_machine(monkeypatch, gpu, kind):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    use_amp(cfg)
    assert cfg.optim_wrapper.type == kind
    assert ('loss_scale' in cfg.optim_wrapper) == gpu
    use_amp(cfg)  # twice is once
    assert cfg.optim_wrapper.type == kind


def test_amp_for_an_unknown_wrapper():
    with pytest.raises(ConfigError, match='is ApexOptimWrapper'):
        use_amp(Config(dict(optim_wrapper=dict(type='ApexOptimWrapper'))))


def test_unknown_runner(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.runner_type = 'mmmultas.Runer'
    with pytest.raises(ConfigError, match='Runer'):
        build_runner(cfg)


@pytest.mark.parametrize('options, message', [
    ({'modle.backbone': None}, "'modle'.*did you mean 'model'"),
    ({'img_size': 64}, 'img_size=.*too late'),
    ({'zzz': 1}, "'zzz', which the config does not have"),
])
def test_options_that_would_change_nothing(options, message):
    cfg = Config(dict(model=dict(a=1), img_size=320))
    with pytest.raises(ConfigError, match=message):
        check_options(cfg, options)


def test_options_that_a_runner_reads():
    cfg = Config(dict(model=dict(a=1)))
    check_options(cfg, {'model.a': 2, 'sync_bn': 'torch', 'load_from': 'x'})


def test_a_dict_on_the_command_line(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text("val_cfg = dict(selection={'a/b': 1})\n")
    text = "{'det/mAP': 2}"
    cfg = load_config(path, {'val_cfg.selection': text})
    assert cfg.val_cfg.selection['det/mAP'] == 2
    cfg = load_config(path, {'val_cfg.selection': '{broken'})
    assert cfg.val_cfg.selection == '{broken'
