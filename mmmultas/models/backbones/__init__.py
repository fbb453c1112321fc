"""Backbones and the initialiser that never fails silently."""
from .efficientnet_lite import EfficientNetLite
from .pretrained import Pretrained
from .resnet import NoPoolResNet

__all__ = ['EfficientNetLite', 'NoPoolResNet', 'Pretrained']
