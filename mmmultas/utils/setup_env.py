"""What MMEngine must know of this package."""
import importlib
import warnings

__all__ = ['register_all_modules', 'register_package']

_ROOMS = ('datasets', 'engine', 'evaluation', 'models', 'visualization')


def register_package() -> None:
    """Let ``mmmultas::multas/rn18_fpn_mtl.py`` name a config of ours.

    In ``_base_`` and in ``mmengine.hub.get_config``. Nothing is done where
    MMEngine is not there: whatever needs it says so.
    """
    try:
        from mmengine.config.utils import MODULE2PACKAGE
    except ImportError:
        return
    MODULE2PACKAGE.setdefault('mmmultas', 'mmmultas')


def register_all_modules(init_default_scope: bool = True) -> None:
    """Put all classes of mmmultas into the registries.

    A registry does so by itself when it is first asked for a name with
    ``mmmultas.`` in front; this is for those who want it before.

    Args:
        init_default_scope: Also look names without a prefix up in
            MMDetection from now on, as configs of this package expect.
    """
    for room in _ROOMS:
        importlib.import_module(f'mmmultas.{room}')
    if not init_default_scope:
        return
    registry = importlib.import_module('mmengine.registry')
    current = registry.DefaultScope.get_current_instance()
    # `get_model` of MMEngine asks for the scope of the package
    if current is not None and current.scope_name not in ('mmdet',
                                                          'mmmultas'):
        warnings.warn(
            f'The default scope was {current.scope_name!r} and is now '
            "'mmdet': register_all_modules(init_default_scope=False) leaves "
            'it as it is.', stacklevel=2)
    registry.init_default_scope('mmdet')
