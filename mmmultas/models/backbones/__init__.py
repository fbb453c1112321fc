"""Backbones and the initialiser that never fails silently."""
from .adapnetpp import AdapNetPPEncoder
from .efficientnet_lite import EfficientNetLite
from .pretrained import Pretrained
from .resnet import DilatedResNet, NoPoolResNet
from .segnet import SegNetEncoder

__all__ = [
    'AdapNetPPEncoder', 'DilatedResNet', 'EfficientNetLite', 'NoPoolResNet',
    'Pretrained', 'SegNetEncoder'
]
