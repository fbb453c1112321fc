"""Registries of mmmultas: children of MMEngine's, scope ``mmmultas``.

``type='mmmultas.X'`` works in any config without ``custom_imports``: a
registry imports its ``locations`` the first time that it is asked.
"""
from importlib import import_module

from mmengine import registry as mmengine_registry
from mmengine.registry import DefaultScope, Registry

__all__ = [
    'DATASETS', 'DATA_SAMPLERS', 'TRANSFORMS', 'READERS', 'MAP_RULES',
    'MODELS', 'TASKS', 'PAINTERS', 'WRITERS', 'TASK_UTILS',
    'WEIGHT_INITIALIZERS', 'RUNNERS', 'LOOPS', 'HOOKS',
    'PARAM_SCHEDULERS', 'OPTIM_WRAPPERS', 'OPTIM_WRAPPER_CONSTRUCTORS',
    'EVALUATOR', 'METRICS', 'VISUALIZERS', 'OPTIMIZERS', 'MODEL_WRAPPERS',
    'RUNNER_CONSTRUCTORS', 'STRATEGIES', 'LOG_PROCESSORS', 'VISBACKENDS',
    'INFERENCERS', 'FUNCTIONS'
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


DATASETS = _child(mmengine_registry.DATASETS, 'datasets')
DATA_SAMPLERS = _child(mmengine_registry.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmengine_registry.TRANSFORMS, 'datasets')

MODELS = _child(mmengine_registry.MODELS, 'models')
TASK_UTILS = _child(mmengine_registry.TASK_UTILS, 'models')
WEIGHT_INITIALIZERS = _child(mmengine_registry.WEIGHT_INITIALIZERS, 'models')

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

RUNNERS = _child(mmengine_registry.RUNNERS, 'engine')
LOOPS = _child(mmengine_registry.LOOPS, 'engine')
HOOKS = _child(mmengine_registry.HOOKS, 'engine')
PARAM_SCHEDULERS = _child(mmengine_registry.PARAM_SCHEDULERS, 'engine')
OPTIM_WRAPPERS = _child(mmengine_registry.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    mmengine_registry.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')

EVALUATOR = _child(mmengine_registry.EVALUATOR, 'evaluation')
METRICS = _child(mmengine_registry.METRICS, 'evaluation')
VISUALIZERS = _child(mmengine_registry.VISUALIZERS, 'visualization')

# Nothing of ours is here. What is inherited from `mmmultas::...` is looked up
# in our scope, and MMEngine warns of a registry that a scope has not.
OPTIMIZERS = _child(mmengine_registry.OPTIMIZERS)
MODEL_WRAPPERS = _child(mmengine_registry.MODEL_WRAPPERS)
RUNNER_CONSTRUCTORS = _child(mmengine_registry.RUNNER_CONSTRUCTORS)
STRATEGIES = _child(mmengine_registry.STRATEGIES)
LOG_PROCESSORS = _child(mmengine_registry.LOG_PROCESSORS)
VISBACKENDS = _child(mmengine_registry.VISBACKENDS)
INFERENCERS = _child(mmengine_registry.INFERENCERS)
FUNCTIONS = _child(mmengine_registry.FUNCTIONS)
