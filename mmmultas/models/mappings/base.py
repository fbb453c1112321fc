"""What all networks that map tasks into a joint space share."""
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, ModuleDict, ModuleList
from torch import Tensor, nn

from mmmultas.functional.task_space import conditioned_norm

__all__ = ['ConvNorm', 'FiLM', 'PairMapping']


class ConvNorm(nn.Module):
    """A convolution, normalised per image, and FiLM of an item's pair.

    Args:
        in_channels: Channels that come in.
        channels: Channels that leave.
        kernel: Side of the kernel, odd.
        stride: Of the convolution.
        dilation: Of the convolution.
        bias: Whether the convolution adds one (which the norm takes away).
    """

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 kernel: int = 3,
                 stride: int = 1,
                 dilation: int = 1,
                 bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride,
                              kernel // 2 * dilation, dilation, bias=bias)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self,
                x: Tensor,
                film: tuple[Tensor, Tensor] | None = None,
                spread: Tensor | None = None) -> Tensor:
        """(U, C, H, W) to (M, D, H', W'), without an activation.

        Args:
            x: Maps.
            film: Factors and summands (M, D) of the items.
            spread: (M,), which map each item is; default all, one by one.
        """
        x = self.conv(x)
        if spread is not None:
            x = x[spread]
        gamma, beta = (None, None) if film is None else film
        return conditioned_norm(x, self.weight, self.bias, gamma, beta)


class FiLM(nn.Module):
    """A factor and a summand per channel, chosen by the pair of tasks.

    Args:
        channels: Channels D.
        pairs: Ordered pairs P of tasks.
    """

    def __init__(self, channels: int, pairs: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, pairs))
        self.beta = nn.Parameter(torch.zeros(channels, pairs))

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Columns (M,) of the pairs to two tensors (M, D)."""
        # the product with one-hot rows: its gradient is one sum per pair
        rows = F.one_hot(columns, self.gamma.shape[1]).to(self.gamma.dtype)
        return rows @ self.gamma.T, rows @ self.beta.T


class PairMapping(BaseModule):
    """Input layers of the tasks, and a trunk that knows the pair.

    A child makes both; the layers of FiLM stand apart as ``film``, so that
    an optimizer can give them a learning rate of their own.

    Args:
        channels: Task → channels of its maps, in the order that numbers the
            tasks; given by the companion.
        conditioned: Whether the trunk knows the pair at all.
    """
    inputs: ModuleDict
    film: ModuleList
    #: Channels D of embeddings.
    out_channels: int
    #: Path of the last layer but one, which pictures show.
    shown_layer: str

    def __init__(self,
                 channels: Mapping[str, int],
                 conditioned: bool = True,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.tasks = tuple(channels)
        self.pairs = len(channels) * (len(channels) - 1)
        self.conditioned = conditioned

    def condition(self, columns: Tensor,
                  layer: int) -> tuple[Tensor, Tensor] | None:
        """What FiLM does to the items in a layer."""
        return self.film[layer](columns) if self.conditioned else None

    def init_weights(self) -> None:
        """Xavier's normal distribution, biases 0 (SPEC-MTPSL 2)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        super().init_weights()

    def forward(self, maps: Sequence[tuple[str, Tensor]], index: Tensor,
                columns: Tensor) -> Tensor:
        """Embeddings (M, D, h, w) of items; each map is read once.

        Args:
            maps: Tasks, and maps (n, C, H, W) of each; U in all.
            index: (M,), which of the U an item is.
            columns: (M,), the number of its pair.
        """
        read = [self.inputs[task](x) for task, x in maps]
        return self.trunk(F.relu_(torch.cat(read)), index, columns)

    def trunk(self, x: Tensor, index: Tensor, columns: Tensor) -> Tensor:
        """(U, C, H, W) to (M, D, h, w)."""
        raise NotImplementedError
