"""How much each task's loss weighs."""
from .base import Balancer, Run
from .by_bargain import FairGrad, NashMTL
from .by_gradients import (IMTL, MGDA, AlignedMTL, CAGrad, EqualNorms,
                           GradNorm, GradVac, PCGrad)
from .by_losses import DWA, FAMO, GLS, RLW, STCH, UWSO, Uncertainty
from .fixed import Fixed
from .task_balancer import TaskBalancer, UpdateBalancer

__all__ = [
    'AlignedMTL', 'Balancer', 'CAGrad', 'DWA', 'EqualNorms', 'FAMO',
    'FairGrad', 'Fixed', 'GLS', 'GradNorm', 'GradVac', 'IMTL', 'MGDA',
    'NashMTL', 'PCGrad', 'RLW', 'Run', 'STCH', 'TaskBalancer', 'UWSO',
    'Uncertainty', 'UpdateBalancer'
]
