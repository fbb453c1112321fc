"""What accompanies a network while it learns."""
from .base import Asked, Companion, Plan, Update
from .box_for_mask import BoxForMask
from .consistency_teacher import ConsistencyTeacher
from .contrast import CrossTaskContrast, CrossTaskDiscriminator
from .cross_task import CrossTaskConsistency
from .mask_for_box import MaskForBox
from .task_maps import DirectMapping, PerceptualMapping
from .view_consistency import ViewConsistency

__all__ = [
    'Asked', 'BoxForMask', 'Companion', 'ConsistencyTeacher',
    'CrossTaskConsistency', 'CrossTaskContrast', 'CrossTaskDiscriminator',
    'DirectMapping', 'MaskForBox', 'PerceptualMapping', 'Plan', 'Update',
    'ViewConsistency'
]
