"""Weights that are loaded, or an error (DESIGN trap 21)."""
from mmengine.logging import print_log
from torch import nn

from mmmultas.registry import WEIGHT_INITIALIZERS
from mmmultas.utils.checkpoint import find_weights, load_file, load_weights

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
        """Load into ``module``; it may translate keys (``rename_key``)."""
        path = find_weights(self.checkpoint)
        translate = getattr(module, 'rename_key', lambda key: key)

        def rename(key: str) -> str | None:
            if not key.startswith(self.prefix):
                return None
            name: str | None = translate(key[len(self.prefix):])
            return name

        unused = load_weights(module, load_file(path), str(path), rename)
        print_log(
            f'{type(module).__name__}: weights of {path}'
            f'{"; not used: " + ", ".join(unused) if unused else ""}',
            logger='current')
