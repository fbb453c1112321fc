"""``python -m mmmultas``: see :mod:`mmmultas.cli`."""
from .cli import main

if __name__ == '__main__':
    main()
