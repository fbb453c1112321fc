"""Command-line arguments that the tools share."""
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from mmengine.config import DictAction

from .errors import ConfigError

__all__ = ['check_mask_options', 'config_parser', 'mask_arguments']


def config_parser(description: str,
                  kind: type[ArgumentParser] = ArgumentParser,
                  **kwargs: Any) -> ArgumentParser:
    """A parser with ``config`` and ``--cfg-options``."""
    parser = kind(description=description, **kwargs)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config keys, for example train_cfg.max_epochs=3')
    return parser


def mask_arguments(given: Sequence[str] | None = None,
                   kind: type[ArgumentParser] = ArgumentParser,
                   **kwargs: Any) -> Namespace:
    """Arguments of ``make_pseudo_masks.py``, checked.

    Args:
        given: What stands behind its name; the command line by default.
        kind: Of parser.
        **kwargs: Of the parser.
    """
    parser = config_parser(
        'Write the masks that a classifier of configs/cam/ sees on the images '
        'of a training stream of boxes (docs/weak_losses.md).', kind,
        **kwargs)
    parser.add_argument('checkpoint', help='file, or folder of the run')
    parser.add_argument('--out', required=True, help='folder of the masks')
    parser.add_argument(
        '--stream', default='det', help='training stream with boxes')
    parser.add_argument(
        '--threshold', type=float,
        help='share of a map below which is background (default: the '
        "head's, 0.21)")
    parser.add_argument(
        '--uncertain', type=float, nargs=2, metavar=('LOW', 'HIGH'),
        help='background below LOW, objects above HIGH, ignored between')
    parser.add_argument(
        '--boxes', action='store_true',
        help='maps end at the boxes of their class')
    parser.add_argument(
        '--scales', type=float, nargs='+', default=[1.0, 0.5, 1.5, 2.0])
    parser.add_argument(
        '--judge', default='val_dataloader.val', metavar='KEY',
        help='stream with masks on which these are judged (default: '
        '%(default)s), or none')
    parser.add_argument(
        '--number', type=int, default=200, help='images that are judged')
    parser.add_argument('--device', help='for example cuda:0')
    args = parser.parse_args(given)
    _check_masks(parser, args)
    return args


def check_mask_options(what: str, options: Sequence[str]) -> None:
    """Refuse options that ``make_pseudo_masks.py`` would refuse later.

    Args:
        what: How a sentence calls them.
        options: What stands behind config, checkpoint and ``--out``.

    Raises:
        ConfigError: It does not take them, or they name another folder.
    """
    place = 'the-folder'
    try:
        args = mask_arguments(['config', 'checkpoint', '--out', place,
                               *options], _Strict, add_help=False)
    except ConfigError as error:
        raise ConfigError(
            f'{what}: make_pseudo_masks.py does not take '
            f'`{" ".join(options)}` ({error}).') from error
    if args.out != place:
        raise ConfigError(f'{what}: leave out `--out`, the folder is named '
                          'by its key.')


class _Strict(ArgumentParser):
    """Raises where others end the program."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def _check_masks(parser: ArgumentParser, args: Namespace) -> None:
    if args.threshold is not None and args.uncertain:
        parser.error('--uncertain takes the place of --threshold')
    shares = [args.threshold or 0.5, *(args.uncertain or ())]
    if not all(0 < share < 1 for share in shares) or (
            args.uncertain and args.uncertain[0] > args.uncertain[1]):
        parser.error('--threshold and --uncertain lie between 0 and 1, the '
                     'lower one first')
    if args.threshold == 0:
        parser.error('--threshold is above 0')
    if min(args.scales) <= 0 or args.number < 1:
        parser.error('--scales and --number are positive')
