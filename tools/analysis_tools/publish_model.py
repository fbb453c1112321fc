#!/usr/bin/env python
"""Strip a checkpoint for others: publish_model.py IN OUT."""
import argparse

from mmmultas.apis.publish import publish_checkpoint
from mmmultas.utils.launch import friendly_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Keep of a checkpoint what inference needs.')
    parser.add_argument('source', metavar='IN', help='checkpoint of training')
    parser.add_argument(
        'target', metavar='OUT', help='NAME.pth becomes NAME-<hash>.pth')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(publish_checkpoint(args.source, args.target))


if __name__ == '__main__':
    with friendly_errors():
        main()
