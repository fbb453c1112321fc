"""Metrics, and the evaluator that knows which label exists."""
from .evaluator import TaskEvaluator
from .seg_metric import SegMetric
from .voc_metric import VOCDetMetric

__all__ = ['SegMetric', 'TaskEvaluator', 'VOCDetMetric']
