import pytest

from mmmultas.utils.arguments import (check_mask_options, config_parser,
                                     mask_arguments)
from mmmultas.utils.errors import ConfigError


def test_config_and_its_overrides():
    parser = config_parser('Do it.')
    args = parser.parse_args(
        ['a.py', '--cfg-options', 'train_cfg.max_epochs=3', 'lr=0.1'])
    assert args.config == 'a.py'
    assert args.cfg_options == {'train_cfg.max_epochs': 3, 'lr': 0.1}
    assert parser.parse_args(['a.py']).cfg_options is None
    with pytest.raises(SystemExit):
        parser.parse_args([])


def test_masks():
    args = mask_arguments(['c.py', 'run', '--out', 'x', '--threshold', '.3'])
    assert (args.config, args.checkpoint, args.out) == ('c.py', 'run', 'x')
    assert args.threshold == .3 and args.uncertain is None
    with pytest.raises(SystemExit):
        mask_arguments(['c.py', 'run', '--out', 'x', '--treshold', '.3'])


def test_options_are_checked_before_they_are_used():
    check_mask_options('here', ['--threshold', '0.3', '--boxes'])
    check_mask_options('here', [])
    for options, message in (
            (['--treshold', '.3'], 'here: make_pseudo_masks.py does not take '
             '`--treshold .3` .*unrecognized'),
            (['--threshold', 'low'], 'invalid float'),
            (['--threshold', '2'], 'between 0 and 1'),
            (['--help'], 'unrecognized'),
            (['more'], 'unrecognized'),
            (['--out', 'there'], 'leave out `--out`')):
        with pytest.raises(ConfigError, match=message):
            check_mask_options('here', options)
