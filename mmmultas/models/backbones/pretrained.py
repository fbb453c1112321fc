"""Weights that are loaded, or an error (DESIGN trap 21)."""
from mmengine.logging import print_log
from torch import nn

from mmmultas.registry import WEIGHT_INITIALIZERS
from mmmultas.utils.checkpoint import (find_weights, load_file, load_weights,
                                       parts_of, state_dict_of)

__all__ = ['Pretrained']


@WEIGHT_INITIALIZERS.register_module()
class Pretrained:
    """Fill a module from a file; nothing may stay unfilled.

    Args:
        checkpoint: A path, an address or ``torchvision://resnet18``; see
            :func:`mmmultas.utils.checkpoint.find_weights`.
        prefix: Only entries under this prefix are read, without it.

    Raises:
        CheckpointError: No such file, or it does not fill the module.
    """

    def __init__(self, checkpoint: str, prefix: str = '') -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix

    def __call__(self, module: nn.Module) -> None:
        """Load into ``module``.

        The module may translate keys (``rename_key``, None for what has no
        place) and name prefixes of entries that no file holds
        (``own_entries``): they stay as they are.
        """
        path = find_weights(self.checkpoint)
        translate = getattr(module, 'rename_key', lambda key: key)
        content = load_file(path)
        homeless: list[str] = []

        def rename(key: str) -> str | None:
            if not key.startswith(self.prefix):
                return None
            key = key[len(self.prefix):]
            name: str | None = translate(key)
            if name is None:
                homeless.append(key)
            return name

        own = tuple(getattr(module, 'own_entries', ()))
        kept = {k for k in module.state_dict() if own and k.startswith(own)}
        unused = homeless + load_weights(module, content, str(path), rename,
                                         kept)
        named = [key.removeprefix(self.prefix)
                 for key in state_dict_of(content)]
        left = parts_of(unused, named)
        print_log(
            f'{type(module).__name__}: weights of {path}'
            f'{"; not used: " + ", ".join(left) if left else ""}',
            logger='current')
