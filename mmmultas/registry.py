"""Registries of mmmultas: children of MMEngine's, scope ``mmmultas``.

``type='mmmultas.X'`` works in any config without ``custom_imports``: a
registry imports its ``locations`` the first time that it is asked.
"""
from importlib import import_module

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import EVALUATOR as MMENGINE_EVALUATOR
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import \
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_INITIALIZERS
from mmengine.registry import DefaultScope, Registry

__all__ = [
    'DATASETS', 'DATA_SAMPLERS', 'TRANSFORMS', 'READERS', 'MAP_RULES',
    'MODELS', 'TASKS', 'PAINTERS', 'WRITERS', 'TASK_UTILS',
    'WEIGHT_INITIALIZERS', 'RUNNERS', 'LOOPS', 'HOOKS',
    'PARAM_SCHEDULERS', 'OPTIM_WRAPPERS', 'OPTIM_WRAPPER_CONSTRUCTORS',
    'EVALUATOR', 'METRICS', 'VISUALIZERS'
]


class _Child(Registry):
    """A registry that knows what our configs mean by a plain name.

    What is inherited from ``mmmultas::...`` is built in the scope
    ``mmmultas``, and so is what ``mmengine.hub.get_model`` builds. There, too,
    names without a prefix are those of MMDetection, MMCV and MMEngine
    (docs/config.md): ``RandomFlip`` is not ``mmmultas.RandomFlip``.
    """

    def get(self, key: str) -> type | None:
        """The class of a name, None where there is none."""
        scope = DefaultScope.get_current_instance()
        if '.' in key or scope is None or scope.scope_name != self.scope:
            return super().get(key)
        import_module('mmdet.registry')
        stock = self._get_root_registry()._search_child('mmdet')
        found = None if stock is None else stock.get(key)
        return super().get(key) if found is None else found


def _child(parent: Registry, *locations: str) -> Registry:
    return _Child(
        parent.name,
        parent=parent,
        scope='mmmultas',
        locations=[f'mmmultas.{room}' for room in locations])


DATASETS = _child(MMENGINE_DATASETS, 'datasets')
DATA_SAMPLERS = _child(MMENGINE_DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(MMENGINE_TRANSFORMS, 'datasets')

MODELS = _child(MMENGINE_MODELS, 'models')
TASK_UTILS = _child(MMENGINE_TASK_UTILS, 'models')
WEIGHT_INITIALIZERS = _child(MMENGINE_INITIALIZERS, 'models')

#: What a kind of labels ('boxes', 'depth', ...) is, room by room.
READERS = Registry('label reader', scope='mmmultas',
                   locations=['mmmultas.datasets'])
MAP_RULES = Registry('map rule', scope='mmmultas',
                     locations=['mmmultas.datasets'])
TASKS = Registry('task', scope='mmmultas', locations=['mmmultas.models'])
PAINTERS = Registry('painter', scope='mmmultas',
                    locations=['mmmultas.visualization'])
WRITERS = Registry('prediction writer', scope='mmmultas',
                   locations=['mmmultas.apis'])

RUNNERS = _child(MMENGINE_RUNNERS, 'engine')
LOOPS = _child(MMENGINE_LOOPS, 'engine')
HOOKS = _child(MMENGINE_HOOKS, 'engine')
PARAM_SCHEDULERS = _child(MMENGINE_PARAM_SCHEDULERS, 'engine')
OPTIM_WRAPPERS = _child(MMENGINE_OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
                                    'engine')

EVALUATOR = _child(MMENGINE_EVALUATOR, 'evaluation')
METRICS = _child(MMENGINE_METRICS, 'evaluation')
VISUALIZERS = _child(MMENGINE_VISUALIZERS, 'visualization')
