#!/usr/bin/env python
"""Print a config with all that it inherits: print_config.py CONFIG."""
from argparse import Namespace

from mmmultas.utils.arguments import config_parser
from mmmultas.utils.launch import friendly_errors, load_config


def parse_args() -> Namespace:
    parser = config_parser('Print a config with all that it inherits.')
    parser.add_argument('--save-path', help='write it to this .py file too')
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
