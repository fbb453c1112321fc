
import pytest
from mmengine.config import Config

from mmmultas.projects.config_template import (CONFIGS, fill_in, model_names,
                                           rebase)
from mmmultas.utils.errors import ConfigError

TEMPLATE = """# old
# comment
_base_ = [
    'x.py',
]

names = ('a', 'ä')  # why
number = 1  # and why
twice = 2 * number
"""


def test_only_the_named_values_change():
    text = fill_in(TEMPLATE, dict(_base_=['y.py'], names=('b', 'c')), '# new')
    assert text.startswith("# new\n_base_ = ['y.py']\n\nnames = ('b', 'c')"
                           '  # why\nnumber = 1  # and why\n')
    assert text.endswith('twice = 2 * number\n') and 'old' not in text


def test_long_values_are_wrapped():
    names = tuple(f'name {i}' for i in range(30))
    text = fill_in(TEMPLATE, dict(names=names), '')
    assert max(map(len, text.splitlines())) <= 79
    scope = {}
    exec(text, scope)
    assert scope['names'] == names and scope['twice'] == 2
    path = 'x' * 90
    assert f"names = '{path}'" in fill_in(TEMPLATE, dict(names=path), '')


def test_a_dict_has_an_entry_a_line():
    value = dict(depth=dict(root='x' * 40, scale=.001), far=dict(a=('b', )))
    text = fill_in(TEMPLATE, dict(names=value), '')
    assert f"    depth=dict(root='{'x' * 40}', scale=0.001),\n" in text
    scope = {}
    exec(text, scope)
    assert scope['names'] == value
    odd = {'a b': 1}
    exec(fill_in(TEMPLATE, dict(names=odd), ''), scope)
    assert scope['names'] == odd


def test_unknown_names_are_a_mistake():
    with pytest.raises(KeyError, match="'unheard'"):
        fill_in(TEMPLATE, dict(unheard=1), '')


def test_bases_are_found_from_anywhere(tmp_path, monkeypatch):
    inside = CONFIGS / 'multas/new.py'
    assert rebase(inside, 'rn18_fpn')[0] == '../_base_/models/rn18_fpn.py'
    outside = tmp_path / 'new.py'
    bases = rebase(outside, 'efflite0_fpn')
    assert bases[0] == 'mmmultas::_base_/models/efflite0_fpn.py'
    outside.write_text(f'_base_ = {bases}')
    assert Config.fromfile(outside).model.type == 'mmmultas.MultiTaskDetSeg'
    assert 'rn50_pafpn' in model_names()
    with pytest.raises(ConfigError, match="'rn19'.*rn18_fpn"):
        rebase(inside, 'rn19')
