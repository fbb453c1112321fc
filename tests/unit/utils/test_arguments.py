import pytest

from mmmultas.utils.arguments import config_parser


def test_config_and_its_overrides():
    parser = config_parser('Do it.')
    args = parser.parse_args(
        ['a.py', '--cfg-options', 'train_cfg.max_epochs=3', 'lr=0.1'])
    assert args.config == 'a.py'
    assert args.cfg_options == {'train_cfg.max_epochs': 3, 'lr': 0.1}
    assert parser.parse_args(['a.py']).cfg_options is None
    with pytest.raises(SystemExit):
        parser.parse_args([])
