"""Teachers and what students learn from them."""
from .connectors import IdentityConnector, LevelProjection
from .distiller import Distiller
from .multi_teacher import MultiTeacherDistill

__all__ = [
    'Distiller', 'IdentityConnector', 'LevelProjection', 'MultiTeacherDistill'
]
