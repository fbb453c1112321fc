"""Where runs and tools keep what they make."""
import json
import re
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .errors import CheckpointError, ConfigError
from .launch import load_config

__all__ = [
    'MASKS_MARK', 'chosen_checkpoint', 'config_beside', 'latest_checkpoints',
    'masks_complete'
]

#: In a folder of masks that a tool made: what they were made from.
MASKS_MARK = 'made_from.json'


def latest_checkpoints(work_dir: str | Path) -> list[Path]:
    """Checkpoints of a run, the one to resume from first.

    Those that ``last_checkpoint`` names come first (an empty or stale file
    is passed over), then epochs and updates by number, newest first.
    """
    folder = Path(work_dir)
    found = []
    pointer = folder / 'last_checkpoint'
    if pointer.is_file():
        name = pointer.read_text(errors='replace').strip()
        path = Path(name) if name else folder
        # a work_dir that was moved or copied points into its old place
        here = folder / path.name
        path = here if here.is_file() else path
        if path.is_file():
            found.append(path)
    numbered = [
        path for path in folder.glob('*.pth')
        if re.fullmatch(r'(epoch|iter)_\d+', path.stem)
    ]
    numbered.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return found + [path for path in numbered if path not in found]


def chosen_checkpoint(path: str | Path) -> Path:
    """The checkpoint that a path stands for.

    Args:
        path: A file, or a run's work folder: its newest ``best_*.pth``,
            where there is none its last checkpoint.

    Raises:
        CheckpointError: A folder without checkpoints.
    """
    path = Path(path).expanduser()
    if not path.is_dir():
        return path  # whoever reads it says if it is missing
    best = sorted(
        path.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
    found = best[-1:] or latest_checkpoints(path)
    if not found:
        raise CheckpointError(f'{path} holds no checkpoint (best_*.pth, '
                              'epoch_*.pth): train there first, or name '
                              'another folder or a file.')
    return found[0]


def config_beside(predictions: str | Path,
                  options: dict[str, Any] | None = None) -> Config:
    """The config that a run left in the folder of the predictions.

    Args:
        predictions: File of a test.
        options: Dotted keys to override.

    Raises:
        ConfigError: There is none, or several.
    """
    folder = Path(predictions).resolve().parent
    found = sorted(folder.glob('*.py'))
    if len(found) != 1:
        what = 'holds no config' if not found else (
            f'holds {len(found)} configs')
        raise ConfigError(f'{folder}, the folder of {predictions}, {what}: '
                          'name the one of the test (--config).')
    return load_config(found[0], options)


def masks_complete(folder: Path) -> bool:
    """Whether a folder has a mask for each image that it is made for."""
    try:
        images = json.loads((folder / MASKS_MARK).read_text())['images']
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return sum(1 for _ in folder.glob('*.png')) == images
