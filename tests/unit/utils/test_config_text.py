import pytest
from mmengine.config import Config

from mmmultas.testing import toy_config
from mmmultas.utils.config_text import parse_config_text
from mmmultas.utils.errors import CheckpointError


def test_a_saved_config_is_read_as_it_was(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.extra = dict(
        low=-1e-3, pair=(1, -2), empty=(), none=None, on=True, far=1e400,
        one=('x', ), text='a\n\'"b', names={'a/b': 1, 2: [3.5]})
    assert parse_config_text(cfg.pretty_text, 'x.pth') == cfg.to_dict()


def test_configs_of_the_repository():
    for name in ('efflite0_fpn_mtl_voc-mini', 'rn50_pafpn_mtl_full'):
        cfg = Config.fromfile(f'configs/multas/{name}.py')
        assert parse_config_text(cfg.pretty_text, 'x.pth') == cfg.to_dict()


@pytest.mark.parametrize('text', [
    'import os',
    'import os\nos.mkdir("TRAP")',
    'x = open("TRAP", "w")',
    'x = __import__("os").mkdir("TRAP")',
    'x = dict(a=[open("TRAP", "w")])',
    'x = dict(**{"a": 1})',
    'x = {**{}}',
    'x = dict([("a", 1)])',
    'x = [open(y, "w") for y in ("TRAP", )]',
    'x = (lambda: open("TRAP", "w"))()',
    'x = f"{open(\'TRAP\', \'w\')}"',
    'dict(a=1)["a"] = 1',
    'x = 2 ** 9',
    'x = y = 1',
    'def f(): pass',
])
def test_what_would_run_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match='x.pth is refused.*line'):
        parse_config_text(text, 'x.pth')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'text', ['x = (', 'x = ' + '[' * 5000 + ']' * 5000, 'x\0 = 1',
             'x = {[]: 1}'])
def test_what_is_no_config_is_one_sentence(text):
    with pytest.raises(CheckpointError, match='x.pth does not parse'):
        parse_config_text(text, 'x.pth')
