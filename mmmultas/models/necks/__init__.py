"""From backbone stages to the pyramid that all heads share."""
from .context_pyramid import ContextEnhancement, ContextFPN, ContextPAFPN
from .conv_block import ConvBlock
from .segnet import MTANDecoder, SegNetDecoder

__all__ = [
    'ContextEnhancement', 'ContextFPN', 'ContextPAFPN', 'ConvBlock',
    'MTANDecoder', 'SegNetDecoder'
]
