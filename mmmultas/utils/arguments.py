"""Command-line arguments that the tools share."""
from argparse import ArgumentParser

from mmengine.config import DictAction

__all__ = ['config_parser']


def config_parser(description: str) -> ArgumentParser:
    """A parser with ``config`` and ``--cfg-options``."""
    parser = ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config keys, for example train_cfg.max_epochs=3')
    return parser
