"""The version, and what it was tried with."""
import warnings
from importlib import metadata

__version__ = '0.1.0'

#: Distributions of the two families, with the versions that were tried:
#: from the first on, below the second. The maintained one comes first.
STACK = {
    'mmengine': (('onedl-mmengine', (0, 10, 12), (0, 11)),
                 ('mmengine', (0, 10, 7), (0, 11))),
    'mmcv': (('onedl-mmcv', (2, 3, 6), (2, 4)), ('mmcv', (2, 1, 0), (2, 2))),
    'mmdet': (('onedl-mmdetection', (3, 5, 1), (3, 6)),
              ('mmdet', (3, 3, 0), (3, 4))),
    'mmseg': (('onedl-mmsegmentation', (1, 4, 2), (1, 5)),
              ('mmsegmentation', (1, 2, 2), (1, 3))),
}


def check_stack() -> list[str]:
    """Warn of packages that are missing or were never tried.

    Returns:
        The sentences that were warned of.
    """
    sentences = []
    for name, family in STACK.items():
        found = [(dist, low, high, version) for dist, low, high in family
                 if (version := _installed(dist)) is not None]
        if not found:
            sentences.append(
                f'{name} is not installed: run `make env`, or '
                f'`pip install {family[0][0]}`.')
            continue
        dist, low, high, version = found[0]
        if not low <= _numbers(version) < high:
            sentences.append(
                f'{dist} {version} was never tried with mmmultas '
                f'{__version__}: install {_text(low)} or a later one below '
                f'{_text(high)}.')
    for sentence in sentences:
        warnings.warn(sentence, stacklevel=3)
    return sentences


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split('+')[0].split('.')
    return tuple(int(part) for part in parts if part.isdigit())


def _text(version: tuple[int, ...]) -> str:
    return '.'.join(map(str, version))
