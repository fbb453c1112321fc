import pytest

from mmmultas.engine.loop_errors import build_loop
from mmmultas.utils.errors import ConfigError


def wrong(text):

    def build(cfg):
        raise TypeError(text)

    return build


@pytest.mark.parametrize('text, words', [
    ("class `MultiTaskTrainLoop` in mmmultas/engine/train_loop.py: __init__() "
     "got an unexpected keyword argument 'epoch'",
     "`train_cfg` has no key 'epoch'"),
    ("class `MultiTaskValLoop` in a.py: class `VOCDetMetric` in b.py: "
     "__init__() got an unexpected keyword argument 'thr'",
     r"VOCDetMetric \(built for `train_cfg`\) has no key 'thr'")])
def test_whose_key_it_is(text, words):
    with pytest.raises(ConfigError, match=words):
        build_loop('train_cfg', wrong(text), dict(type='mmmultas.X'))


def test_other_errors_stay():
    with pytest.raises(TypeError, match='unsupported'):
        build_loop('val_cfg', wrong('unsupported operand'),
                   dict(type='mmmultas.X'))


def test_a_stock_loop_is_refused():
    with pytest.raises(ConfigError, match='draws from one loader'):
        build_loop('train_cfg', dict, dict(type='mmengine.IterBasedTrainLoop'))
