"""Backbones and the initialiser that never fails silently."""
from .efficientnet_lite import EfficientNetLite
from .pretrained import Pretrained
from .resnet import DilatedResNet, NoPoolResNet
from .segnet import SegNetEncoder

__all__ = [
    'DilatedResNet', 'EfficientNetLite', 'NoPoolResNet', 'Pretrained',
    'SegNetEncoder'
]
