"""Teachers and what students learn from them."""
from .connectors import IdentityConnector, LevelProjection
from .multi_teacher import MultiTeacherDistill

__all__ = ['IdentityConnector', 'LevelProjection', 'MultiTeacherDistill']
