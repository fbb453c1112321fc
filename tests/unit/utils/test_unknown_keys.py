import pytest
from mmengine.registry import Registry

from mmmultas.utils.unknown_keys import unknown_key

PARTS = Registry('part of a test')


@PARTS.register_module()
class Wheel:

    def __init__(self, radius=1):
        self.radius = radius


@PARTS.register_module()
class Cart(Wheel):

    def __init__(self, wheel=None, **kwargs):
        super().__init__(**kwargs)
        self.wheel = PARTS.build(wheel or dict(type='Wheel'))


def error_of(cfg):
    with pytest.raises(TypeError) as caught:
        PARTS.build(cfg)
    return caught.value


@pytest.mark.parametrize('cfg, found', [
    (dict(type='Wheel', radios=2), ('Wheel', 'radios', "mean 'radius'?")),
    (dict(type='Cart', radios=2), ('Cart', 'radios', "mean 'radius'?")),
    (dict(type='Cart', wheels={}), ('Cart', 'wheels', "mean 'wheel'?")),
    (dict(type='Cart', wheel=dict(type='Wheel', xyz=1)),
     ('Wheel', 'xyz', 'mend its name')),
])
def test_the_innermost_part_that_was_built(cfg, found):
    kind, key, hint = unknown_key(error_of(cfg))
    assert (kind, key) == found[:2] and found[2] in hint


def test_an_error_that_was_raised_anew():
    with pytest.raises(TypeError) as caught:
        try:
            PARTS.build(dict(type='Wheel', radios=1))
        except TypeError as error:
            raise TypeError(f'{error} in <a hook>') from None
    assert unknown_key(caught.value)[:2] == ('Wheel', 'radios')


def test_what_no_config_makes():
    with pytest.raises(TypeError) as caught:
        Wheel(xyz=1)
    assert unknown_key(caught.value) is None
    assert unknown_key(ValueError('an unexpected keyword')) is None
    assert unknown_key(TypeError('unsupported operand')) is None


def test_keys_of_a_setter():
    error = TypeError("Runner.set_randomness() got an unexpected keyword "
                      "argument 'sed'")
    assert unknown_key(error)[:2] == ('`randomness`', 'sed')
