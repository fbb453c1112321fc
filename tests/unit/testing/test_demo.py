import pytest

from mmmultas.testing.demo import (METHODS, NUM_EPOCHS, _config,
                                   results_table, run_demo)
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import load_config


def test_table():
    rows = [{'name': 'both', 'updates': 8, 'minutes': 2,
             'det/AP50': 50.04, 'det/mAP': 20, 'seg/mIoU': 60}]
    last = results_table(rows).splitlines()[-1]
    assert last == '| both | 50.0 | 20.0 | 60.0 | 8 | 2.0 |'


def test_the_last_epoch_is_that_of_the_config():
    for method in METHODS:
        cfg = load_config(_config(method))
        assert cfg.train_cfg.max_epochs == NUM_EPOCHS


def test_too_few_updates(tmp_path):
    with pytest.raises(UserError, match='DEMO_UPDATES is 4'):
        run_demo(tmp_path / 'digits', tmp_path / 'work', 3)
    assert set(METHODS) == {'mtl', 'det', 'seg'}
