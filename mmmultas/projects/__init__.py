"""People's own data: what lies there, what is wrong, a config for it."""
from .data_check import check_data
from .new_project import Source, new_project

__all__ = ['Source', 'check_data', 'new_project']
