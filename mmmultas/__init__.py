"""Detection and segmentation in one network from half-labelled data."""
from .utils.operators import install_operators
from .utils.setup_env import register_all_modules, register_package
from .version import __version__, check_stack

__all__ = ['__version__', 'register_all_modules']

check_stack()
install_operators()
register_package()
