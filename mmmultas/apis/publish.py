"""A checkpoint for others: the weights that a test uses, and their meta."""
import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from mmmultas.utils.checkpoint import atomic_path, load_file, state_dict_of
from mmmultas.utils.errors import CheckpointError

__all__ = ['publish_checkpoint']

#: What of a checkpoint's meta goes along.
META = ('cfg', 'dataset_meta', 'judged_meta', 'epoch', 'iter',
        'experiment_name', 'mmengine_version')


def publish_checkpoint(source: str | Path, target: str | Path) -> Path:
    """Write what inference needs, and nothing of the training.

    Optimizer, schedules, message hub and the averages' second copy of the
    weights stay behind: a checkpoint's ``state_dict`` already holds the
    averaged weights that a test uses.

    Args:
        source: A checkpoint of training.
        target: ``DIR/NAME.pth``; the file's hash goes into its name.

    Returns:
        Path: ``DIR/NAME-xxxxxxxx.pth``, with the first eight digits of the
        file's SHA-256.

    Raises:
        CheckpointError: ``source`` is missing, broken or holds no weights,
            or ``target`` cannot be written.
    """
    checkpoint = load_file(source)
    state = {
        key: value.detach().clone()
        for key, value in state_dict_of(checkpoint).items()
        if isinstance(value, torch.Tensor)
    }
    if not state:
        raise CheckpointError(f'{source} holds no weights: check the path.')
    data = _packed(
        dict(meta=_kept(checkpoint.get('meta') or {}), state_dict=state))
    name = Path(target)
    digits = hashlib.sha256(data).hexdigest()[:8]
    final = name.with_name(f'{name.stem}-{digits}.pth')
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(final) as part:
            part.write_bytes(data)
    except OSError as error:
        raise CheckpointError(f'{final} cannot be written ({error}).'
                              ) from error
    return final


def _kept(meta: dict[str, Any]) -> dict[str, Any]:
    return {key: meta[key] for key in META if key in meta}


def _packed(content: dict[str, Any]) -> bytes:
    # into memory: the name of a file would change its bytes and its hash
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()
