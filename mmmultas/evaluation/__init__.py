"""Metrics, and the evaluator that knows which label exists."""
from .depth_metric import DepthMetric
from .edge_metric import EdgeMetric
from .evaluator import TaskEvaluator
from .normal_metric import NormalMetric
from .saliency_metric import SaliencyMetric
from .seg_metric import SegMetric
from .sum_metric import MapMetric
from .voc_metric import VOCDetMetric

__all__ = [
    'DepthMetric', 'EdgeMetric', 'MapMetric', 'NormalMetric',
    'SaliencyMetric', 'SegMetric', 'TaskEvaluator', 'VOCDetMetric'
]
