"""From backbone stages to the pyramid that all heads share."""
from .adapnetpp_decoder import (AdapNetPPDecoder, AdapNetPPSides,
                                EfficientASPP)
from .context_pyramid import ContextEnhancement, ContextFPN, ContextPAFPN
from .conv_block import ConvBlock
from .segnet import MTANDecoder, SegNetDecoder

__all__ = [
    'AdapNetPPDecoder', 'AdapNetPPSides', 'ContextEnhancement', 'ContextFPN',
    'ContextPAFPN', 'ConvBlock', 'EfficientASPP', 'MTANDecoder',
    'SegNetDecoder'
]
