from collections import OrderedDict

import numpy as np
import torch

from mmmultas.utils.plain import Unsaid, as_plain, make_plain


class Number(float):
    """A subclass, as NumPy's numbers are."""


def test_numbers_of_others_become_python_s():
    plain = as_plain([np.float64(.5), np.int64(3), np.bool_(True), Number(2)])
    assert plain == [.5, 3, True, 2]
    assert [type(v) for v in plain] == [float, int, bool, float]
    assert as_plain(np.arange(3)) == [0, 1, 2]
    assert as_plain({1, 2}) == {1, 2} and as_plain((1, [2])) == (1, [2])


def test_weights_stay_what_they_are():
    model = torch.nn.BatchNorm2d(2)
    state = model.state_dict()
    plain = as_plain(state)
    assert isinstance(plain, OrderedDict)
    assert plain._metadata == state._metadata
    assert all(plain[key] is state[key] for key in state)


def test_what_cannot_be_said_goes():
    assert as_plain(len) is Unsaid
    assert as_plain(dict(a=len, b=1)) == dict(b=1)
    checkpoint = dict(
        state_dict={}, extra=object(),
        message_hub=dict(
            log_scalars=dict(loss=object()),
            runtime_info=dict(best=np.float32(.5), hook=object()),
            resumed_keys=dict(best=True, hook=True, loss=True)))
    assert make_plain(checkpoint) == ['extra']
    assert checkpoint == dict(
        state_dict={}, message_hub=dict(
            log_scalars={}, runtime_info=dict(best=.5),
            resumed_keys=dict(best=True)))
