"""The last stage of AdapNet++'s decoder, from stride 4 to the scores."""
from collections.abc import Sequence

from torch import Tensor, nn

from mmmultas.registry import MODELS

from ..necks.adapnetpp_decoder import conv_bn, he_normal, up_bn
from .pixel_head import PixelHead

__all__ = ['AdapNetPPAuxHead', 'AdapNetPPSegHead']


@MODELS.register_module()
class AdapNetPPSegHead(PixelHead):
    """Refine the map at stride 4, classify, enlarge by four.

    It reads D4, the first level of :class:`AdapNetPPDecoder`
    (SPEC-INTERDEPENDENT 1); :class:`AdapNetPPAuxHead` stands beside it.

    Args:
        num_classes: Classes K.
        in_channels: Channels of D4, skip included.
        channels: Channels inside.
        loss_decode: Config of the pixel loss, default
            :class:`CrossEntropyLoss`.
        ignore_index: Label of pixels that take no part.
    """
    #: The level that it reads.
    in_index = 0
    #: Outputs reach beyond images whose sides no stride divides.
    overshoots = True
    #: What other heads may read as ``seg.decoder``: (N, C, H/4, W/4).
    taps = {'decoder': 'convs'}

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 280,
                 channels: int = 256,
                 loss_decode: dict | None = None,
                 ignore_index: int = 255,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes, loss_decode, ignore_index, init_cfg)
        self.convs = nn.Sequential(
            conv_bn(in_channels, channels, 3), conv_bn(channels, channels, 3))
        self.classify = conv_bn(channels, num_classes)
        self.up = up_bn(num_classes, 4)

    def init_weights(self) -> None:
        """He initialisation."""
        he_normal(self)
        super().init_weights()

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map levels, of which D4 is read, to (N, K, H, W) at input size."""
        x = self.convs(feats[self.in_index])
        logits: Tensor = self.up(self.classify(x))
        return logits

    def _sized(self, outputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Scores without what reaches beyond the input."""
        return outputs[..., :size[0], :size[1]]


@MODELS.register_module()
class AdapNetPPAuxHead(PixelHead):
    """A classifier on an upsampled map of the decoder, for training only.

    Args:
        num_classes: Classes K.
        in_channels: Channels that it reads, the first of the level: those
            without the skip.
        in_index: Level of :class:`AdapNetPPDecoder`: 0 at stride 4, 1 at 8.
        loss_decode: Config of the pixel loss, default
            :class:`CrossEntropyLoss`; the papers' factors are 0.6 at stride
            4 and 0.5 at stride 8.
        ignore_index: Label of pixels that take no part.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 256,
                 in_index: int = 0,
                 loss_decode: dict | None = None,
                 ignore_index: int = 255,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes, loss_decode, ignore_index, init_cfg)
        self.in_index = in_index
        self.in_channels = in_channels
        self.classify = conv_bn(in_channels, num_classes, act=False)

    def init_weights(self) -> None:
        """He initialisation."""
        he_normal(self)
        super().init_weights()

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map the levels to (N, K, h, w), which the loss enlarges."""
        x = feats[self.in_index][:, :self.in_channels]
        scores: Tensor = self.classify(x)
        return scores
