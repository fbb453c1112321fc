#!/usr/bin/env python
"""Print a config with all that it inherits: print_config.py CONFIG."""
import argparse

from mmengine.config import DictAction

from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Print a config with all that it inherits.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--save-path', help='write it to this .py file too')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config keys, for example train_cfg.max_epochs=3')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    print(cfg.pretty_text)
    if args.save_path:
        cfg.dump(args.save_path)


if __name__ == '__main__':
    with friendly_errors():
        main()
