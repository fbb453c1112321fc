"""From a checkpoint to one ONNX file that runs without PyTorch."""
from .export_model import export_model
from .graphs import CoreGraph, EndToEnd
from .onnx_file import export_onnx
from .onnx_inferencer import OnnxInferencer, answer_by

__all__ = [
    'CoreGraph', 'EndToEnd', 'OnnxInferencer', 'answer_by', 'export_model',
    'export_onnx'
]
