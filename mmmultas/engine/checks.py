"""Contradictions that are cheap to find before the first update."""
from typing import Any

from mmengine.model import is_model_wrapper

from mmmultas.utils.errors import ConfigError

__all__ = ['check_classes']


def check_classes(model: Any, metainfo: dict[str, Any]) -> None:
    """Compare the heads' numbers of classes with the data's.

    Args:
        model: The model, wrapped or not.
        metainfo: ``classes`` by task.

    Raises:
        ConfigError: A head has more or fewer classes than its data.
    """
    model = model.module if is_model_wrapper(model) else model
    for task, head in getattr(model, 'heads', {}).items():
        classes = metainfo.get(task, {}).get('classes')
        count = getattr(head, 'num_classes', None)
        if classes and count is not None and count != len(classes):
            raise ConfigError(
                f'`model.heads.{task}.num_classes` is {count}, but the data '
                f'have {len(classes)} classes for {task!r} ({classes[0]} ... '
                f'{classes[-1]}): make them agree.')
