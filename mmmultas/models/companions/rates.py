"""How much of their boxes objects fill, learnt from masks."""
import logging
from collections.abc import Iterable, Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.logging import print_log
from torch import Tensor

from mmmultas.functional.mask_supervision import filling_rates
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of

from .blobs import blobs_of

__all__ = ['FillRates']

#: Share of the image from which on a blob tells something of its class.
MIN_AREA = .005
#: Outside of these, boxes are no outlines of objects, or rectangles are.
USUAL = (.1, .95)


class FillRates:
    """Share of its box that an object fills, per pixel class.

    The same on all processes: they add up what they see.

    Args:
        count: Pixel classes K.
        given: A number, one per pixel class, or None: it is learnt.
        key: Config key, for messages.

    Raises:
        ConfigError: Rates that are none.
    """

    def __init__(self, count: int, given: float | Sequence[float] | None,
                 key: str) -> None:
        self.key = key
        self.learns = given is None
        self.until = 200
        self._sums, self._counts = torch.zeros(2, count, dtype=torch.float64)
        self._judged = False
        self._given: Tensor | None = None
        if given is not None:
            values = [given] * count if isinstance(given, int | float) else (
                list(given))
            if len(values) != count:
                raise ConfigError(
                    f'`{key}` wants a number, or one for each of the {count} '
                    f'pixel classes, not {len(values)} numbers.')
            self._given = torch.tensor(
                [number_of(f'`{key}`', value, 1) for value in values])

    def looks(self, update: int) -> bool:
        """Whether masks of this update are looked at: to learn rates, and to
        judge whether boxes are tight."""
        return update < self.until

    def learn(self, masks: Iterable[tuple[Tensor, Sequence[int]]],
              device: torch.device) -> None:
        """Look at the masks of an update; all processes call it alike.

        Args:
            masks: (H, W) class of every pixel, no padding, and the pixel
                classes that are objects and that somebody looked for.
            device: Where processes add up.
        """
        found = torch.zeros(2, len(self._sums), dtype=torch.float64)
        for mask, classes in masks:
            self._add(found, mask, classes)
        if get_world_size() > 1:
            shared = found.to(device)
            all_reduce(shared)
            found = shared.cpu()
        self._sums += found[0]
        self._counts += found[1]

    @staticmethod
    def _add(found: Tensor, mask: Tensor, classes: Sequence[int]) -> None:
        blobs = blobs_of(mask, classes)[1].cpu()
        blobs = blobs[blobs[:, 4] >= MIN_AREA * mask.numel()]
        box = (blobs[:, 2] - blobs[:, 0]) * (blobs[:, 3] - blobs[:, 1])
        found[0].index_add_(0, blobs[:, 5], blobs[:, 4].double() / box)
        found[1].index_add_(0, blobs[:, 5],
                            torch.ones(len(blobs), dtype=torch.float64))

    def judge(self, update: int, needed: bool) -> None:
        """Say once, when all is seen, whether boxes are no outlines.

        Args:
            update: Number of the update that was looked at.
            needed: Whether a term wants the rates that were learnt.
        """
        if update + 1 < self.until or self._judged:
            return
        self._judged = True
        count = int(self._counts.sum())
        mean = float(self._sums.sum() / max(count, 1))
        if not count:
            if needed and self.learns:
                print_log(
                    f'`{self.key}`: no mask of the first {self.until} updates '
                    'shows an object, so boxes are filled to none: give '
                    f'`{self.key}`.', 'current', level=logging.WARNING)
        elif not USUAL[0] <= mean <= USUAL[1]:
            print_log(
                f'`{self.key}`: objects fill {mean:.0%} of their boxes '
                f'({count} blobs in masks); outside of {USUAL[0]:.0%} to '
                f'{USUAL[1]:.0%} masks or boxes are no outlines: look at '
                'them, and leave `ranks` and `lines_weight` out if boxes are '
                'not tight.', 'current', level=logging.WARNING)

    @property
    def known(self) -> bool:
        """Whether there is a rate: given, or learnt from some object."""
        return self._given is not None or bool(self._counts.sum())

    def values(self) -> Tensor:
        """The rate of each pixel class, (K,) in [0, 1]."""
        if self._given is not None:
            return self._given
        return filling_rates(self._sums, self._counts).float()

    def state(self) -> dict[str, Tensor]:
        """What was learnt."""
        return dict(sums=self._sums, counts=self._counts)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state`.

        Raises:
            ConfigError: It is of another number of classes.
        """
        if state['sums'].shape != self._sums.shape:
            raise ConfigError(
                f'`{self.key}` of the checkpoint has '
                f'{len(state["sums"])} classes and the network '
                f'{len(self._sums)}: resume with the config of the first '
                'run.')
        self._sums = state['sums'].cpu().clone()
        self._counts = state['counts'].cpu().clone()
