import pytest

from mmmultas.analysis.fill_rates import fill_rates
from mmmultas.testing import toy_config, toy_stream
from mmmultas.utils.errors import ConfigError


def test_rates_of_the_masks_of_training(tmp_path):
    cfg = toy_config(tmp_path, streams=dict(
        det=toy_stream(4, ('det', )), seg=toy_stream(20, ('seg', ))))
    table, = fill_rates(cfg, 20)
    assert table.task == 'seg' and table.counts[0] == 0  # the background
    assert min(table.counts[1:]) > 5
    assert all(.8 < rate <= 1 for rate in table.rates)  # some are covered
    text = table.text()
    assert 'square' in text and 'background' not in text
    assert text.splitlines()[-1].startswith('rates=[')


def test_boxes_alone_have_none(tmp_path):
    cfg = toy_config(tmp_path, streams=dict(det=toy_stream(4, ('det', ))))
    with pytest.raises(ConfigError, match='carries masks'):
        fill_rates(cfg, 2)
