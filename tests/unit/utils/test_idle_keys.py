import pytest

from mmmultas.utils.idle_keys import idle_keys
from mmmultas.utils.launch import RUNNER_KEYS, load_config

BASE = ('max_epochs = 3\ntasks = ("det", )\nmodel = dict(type="x")\n'
        'train_cfg = dict(max_epochs=max_epochs)\n')


def told(tmp_path, text, base=True):
    (tmp_path / 'base.py').write_text(BASE)
    path = tmp_path / 'own.py'
    path.write_text('_base_ = "./base.py"\n' * base + text)
    return list(idle_keys(path, load_config(path), RUNNER_KEYS))


@pytest.mark.parametrize('text, key', [
    ('max_epochs = 1', 'max_epochs'), ('tasks = ("seg", )', 'tasks'),
    ('unheard = 1', 'unheard'), ('pipeline = [1]', 'pipeline')])
def test_a_value_of_which_others_were_made(tmp_path, text, key):
    [said] = told(tmp_path, text)
    assert said.startswith(f'`{key}` in {tmp_path}/own.py changes nothing')
    assert 'train_cfg = dict(max_epochs=...)' in said


@pytest.mark.parametrize('text', [
    'max_epochs = 1\ntrain_cfg = dict(max_epochs=max_epochs)',
    'load_from = "a.pth"', 'lr = .1\noptim_wrapper = dict(lrs=[lr * 2])',
    # a file that inherits from this one may read it
    'loader = dict(a=1)', 'train_cfg = dict(max_epochs=1)'])
def test_what_changes_something(tmp_path, text):
    assert not told(tmp_path, text)


def test_a_file_of_its_own_may_name_what_it_likes(tmp_path):
    assert not told(tmp_path, 'version = 3', base=False)


def test_keys_that_nobody_reads(tmp_path):
    [said] = told(tmp_path, 'optim_wraper = dict(lr=1)')
    assert "did you mean 'optim_wrapper'?" in said
    [said] = told(tmp_path, 'balancer = dict(type="mmmultas.DWA")')
    assert 'model = dict(balancer=...)' in said
    assert not told(tmp_path, 'balancer = dict(type="mmmultas.DWA")\n'
                    'model = dict(balancer=balancer)')


def test_loading_says_so(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.utils.launch.print_log',
                        lambda text, **_: said.append(text))
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'own.py').write_text('_base_ = "./base.py"\nmax_epochs = 1')
    load_config(tmp_path / 'own.py')
    assert len(said) == 1 and '`max_epochs`' in said[0]
