import pytest
from mmengine.registry import Registry

from mmmultas.engine.loop_errors import build_loop
from mmmultas.utils.errors import ConfigError

PARTS = Registry('part of a loop')


@PARTS.register_module()
class MultiTaskTrainLoop:

    def __init__(self, type=None, part=None):
        self.part = part and PARTS.build(part)


@PARTS.register_module()
class Metric:

    def __init__(self, thr=.5):
        self.thr = thr


@pytest.mark.parametrize('cfg, words', [
    (dict(parts=1), r"^`train_cfg` has no key 'parts': did you mean 'part'"),
    (dict(part=dict(type='Metric', three=1)),
     r"^Metric \(built for `train_cfg`\) has no key 'three'")])
def test_whose_key_it_is(cfg, words):
    with pytest.raises(ConfigError, match=words):
        build_loop('train_cfg', PARTS.build,
                   dict(cfg, type='MultiTaskTrainLoop'))


def test_other_errors_stay():

    def build(cfg):
        raise TypeError('unsupported operand')

    with pytest.raises(TypeError, match='unsupported'):
        build_loop('val_cfg', build, dict(type='mmmultas.X'))


def test_a_stock_loop_is_refused():
    with pytest.raises(ConfigError, match='draws from one loader'):
        build_loop('train_cfg', dict, dict(type='mmengine.IterBasedTrainLoop'))
