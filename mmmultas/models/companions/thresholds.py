"""From which score on a teacher's word counts."""
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import all_gather, get_world_size
from torch import Tensor

from mmmultas.functional.consistency import mixture_threshold
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of

__all__ = ['Threshold']

#: Scores of a class that are remembered, and that an update adds at most.
_KEPT, _ADDED = 256, 16
#: Remembered scores from which on a mixture is fitted.
_ENOUGH = 32


class Threshold:
    """A limit for all classes, one for each, or a share of the best.

    Args:
        rule: A number; ``'mixture'``: per class, two groups are told apart
            among its last scores (ConsistentTeacher); ``dict(top=0.2)``: the
            best fifth of an image.
        classes: Their number.
        start: Limit of a class before a mixture is known.
        key: Config key, for messages.

    Raises:
        ConfigError: Another rule.
    """

    def __init__(self, rule: Any, classes: int, start: float,
                 key: str) -> None:
        self.mixture = rule == 'mixture'
        self.top: float | None = None
        self.limits = torch.full((classes, ), float(start))
        #: -1 where nothing is remembered, the newest first.
        self._scores = torch.full((classes, _KEPT), -1.)
        if isinstance(rule, Mapping) and set(rule) == {'top'}:
            self.top = number_of(f'`{key}.top`', rule['top'], 1)
        elif not self.mixture:
            if isinstance(rule, str | Mapping):
                raise ConfigError(
                    f"`{key}` is a score, 'mixture' or dict(top=0.2), not "
                    f'{rule!r}.')
            self.limits[:] = number_of(f'`{key}`', rule, 1)

    def keeps(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Which entries count, of scores and labels of one shape.

        Args:
            scores: In [0, 1].
            labels: Class numbers.
        """
        if self.top is None:
            return scores >= self.limits.to(scores)[labels]
        count = int(self.top * scores.numel() + .5)
        best = scores.flatten().topk(count).indices
        keep = torch.zeros_like(scores, dtype=torch.bool)
        keep.view(-1)[best] = True
        return keep

    def sample(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Some scores of each class, spread over all, (C, 16); -1 for none.

        Args:
            scores: (n,).
            labels: (n,).
        """
        found = torch.full((len(self.limits), _ADDED), -1.)
        for label in labels.unique().tolist() if self.mixture else ():
            own = scores[labels == label].sort().values.cpu()
            index = torch.linspace(0, len(own) - 1, min(_ADDED, len(own)))
            found[label, :len(index)] = own[index.round().long()].float()
        return found

    def learn(self, sampled: Tensor) -> None:
        """Remember scores of an update; all processes call it alike.

        Args:
            sampled: (C, 16) of :meth:`sample`, on any device.
        """
        if not self.mixture:
            return
        parts = ([sampled] if get_world_size() == 1 else
                 all_gather(sampled))
        new = torch.cat([part.cpu() for part in parts], 1)
        for label, scores in enumerate(new):
            scores = scores[scores >= 0]
            if not len(scores):
                continue
            known = torch.cat([scores, self._scores[label]])[:_KEPT]
            self._scores[label] = known
            known = known[known >= 0]
            if len(known) >= _ENOUGH:
                self.limits[label] = mixture_threshold(known)

    def state(self) -> dict[str, Tensor]:
        """What was learnt."""
        return dict(limits=self.limits, scores=self._scores)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state`, whatever device a checkpoint is read to."""
        self.limits = state['limits'].cpu().clone()
        self._scores = state['scores'].cpu().clone()
