"""Images in which somebody looked for some classes, and who can use them."""
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.model import is_model_wrapper

from mmmultas.utils.errors import ConfigError

__all__ = ['check_partial_classes']


def check_partial_classes(model: Any, datasets: Mapping[str, Any]) -> None:
    """Refuse what would learn that classes nobody looked for are absent.

    Args:
        model: The model, wrapped or not.
        datasets: Data set of each training stream.

    Raises:
        ConfigError: A head that cannot leave classes out, transforms that
            mix images of other classes, or a packer that drops the word.
    """
    model = model.module if is_model_wrapper(model) else model
    for name, dataset in datasets.items():
        key = f'train_dataloader.{name}'
        tasks = {task for part in _leaves(dataset) for task in _named(part)}
        if not tasks:
            continue
        for task in sorted(tasks):
            _check_head(model, task, key)
        _check_mixing(dataset, key)
        _check_packing(dataset, key)


def _named(dataset: Any) -> dict[str, tuple[int, ...]]:
    """Task → class numbers, of a data set with ``annotated``."""
    return dict(getattr(getattr(dataset, 'annotated', None), 'classes', {}))


def _inside(dataset: Any) -> list[Any]:
    several = getattr(dataset, 'datasets', None)
    one = getattr(dataset, 'dataset', None)
    return list(several or ()) + ([] if one is None else [one])


def _leaves(dataset: Any) -> Iterator[Any]:
    """A data set, and all that it wraps."""
    yield dataset
    for part in _inside(dataset):
        yield from _leaves(part)


def _check_head(model: Any, task: str, key: str) -> None:
    heads = dict(getattr(model, 'heads', {}).items())
    if task not in heads:
        return
    head: Any = heads[task]
    for part in (head, *getattr(head, 'auxiliary', ())):
        if not getattr(part, 'partial_classes', False):
            raise ConfigError(
                f'`{key}` is annotated for some classes of {task!r} only, '
                f'and a {type(part).__name__} cannot leave the others out: '
                'take a head and a loss of this package (docs/heads.md), or '
                'remove `annotated`.')


def _check_mixing(dataset: Any, key: str) -> None:
    """Mosaic and the like make one image of several."""
    for part in _leaves(dataset):
        if type(part).__name__ != 'MultiImageMixDataset':
            continue
        kinds = [_named(leaf) for leaf in _leaves(part) if not _inside(leaf)]
        if any(kind != kinds[0] for kind in kinds):
            raise ConfigError(
                f'`{key}` mixes images that are annotated for other classes '
                'into one (MultiImageMixDataset): give each of its data sets '
                'a stream of its own.')


def _check_packing(dataset: Any, key: str) -> None:
    """A sample must carry the word of its record."""
    ask = getattr(dataset, 'get_data_info', None)
    index = next((i for i in range(len(dataset))
                  if ask is None or ask(i).get('annotated')), None)
    if index is None:
        return
    sample = dataset[index]['data_samples']
    if 'annotated' not in sample.metainfo and ask is not None:
        raise ConfigError(
            f'`{key}` is annotated for some classes only, but its samples do '
            "not say so: pack them with dict(type='mmmultas.PackInputs'), or "
            "add 'annotated' to the `meta_keys` of what packs them.")
