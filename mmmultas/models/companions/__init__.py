"""What accompanies a network while it learns."""
from .base import Asked, Companion, Plan, Update
from .box_for_mask import BoxForMask
from .consistency_teacher import ConsistencyTeacher
from .cross_task import CrossTaskConsistency
from .mask_for_box import MaskForBox

__all__ = [
    'Asked', 'BoxForMask', 'Companion', 'ConsistencyTeacher',
    'CrossTaskConsistency', 'MaskForBox', 'Plan', 'Update'
]
