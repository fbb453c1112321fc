"""Detection and segmentation in one network from half-labelled data."""
from .utils.operators import install_operators
from .version import __version__, check_stack

__all__ = ['__version__']

check_stack()
install_operators()
