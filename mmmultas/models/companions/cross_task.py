"""Tasks teach each other in a joint space of their pair (MTPSL)."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmmultas.functional.task_space import cosine_distance, pair_column
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full
from mmmultas.utils.values import mapping_of, number_of

from ..losses.loss_sum import LossSum
from ..mappings import PairMapping
from ..multitask.taps import output_tap
from .base import Update
from .pairs import ImagePair, PairCompanion, Sides

__all__ = ['CrossTaskConsistency', 'JointSpace', 'by_size']


class JointSpace(PairCompanion):
    """A companion with a mapping network that knows the pair.

    Args:
        student: The network that learns.
        key: Config key, for messages.
        mapping: Config of the :class:`PairMapping`.
        **kwargs: Those of :class:`PairCompanion`.

    Raises:
        ConfigError: The mapping is none.
    """

    def __init__(self,
                 student: Any,
                 key: str,
                 mapping: Mapping[str, Any] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(student, key, **kwargs)
        cfg = dict(type='mmmultas.SegNetMapping') if mapping is None else (
            dict(mapping_of(f'{key}.mapping', mapping)))
        try:
            net = MODELS.build(dict(cfg, channels=self.channels))
        except (KeyError, TypeError) as error:
            raise ConfigError(f'`{key}.mapping` cannot be built: '
                              f'{error}') from error
        if not isinstance(net, PairMapping):
            raise ConfigError(f'`{key}.mapping` is a {type(net).__name__}, '
                              'no PairMapping.')
        self.mapping = net

    def embed(self,
              update: Update,
              pairs: Sequence[ImagePair],
              sources: Sequence[ImagePair] | None = None
              ) -> tuple[Tensor, Tensor]:
        """Predictions and labels of pairs in their joint spaces.

        Args:
            update: With the outputs of the heads.
            pairs: P pairs of images of one size, whose labels are mapped.
            sources: S pairs whose predictions are; the same by default.

        Returns:
            tuple: (S, D, h, w) and (P, D, h, w); all images, pairs and sides
            pass the mapping in one batch.
        """
        sources = pairs if sources is None else sources
        with full_precision():
            said, places = Sides(self, update, sources).sources()
            labels, others = Sides(self, update, pairs).targets()
        start = sum(len(x) for _, x in said)
        index = [*places, *[start + place for place in others]]
        columns = [self.column(pair) for pair in (*sources, *pairs)]
        device = said[0][1].device
        found: Tensor = self.mapping(
            said + [(task, x.to(device)) for task, x in labels],
            torch.tensor(index, device=device),
            torch.tensor(columns, device=device))
        return found[:len(sources)], found[len(sources):]

    def column(self, pair: ImagePair) -> int:
        """The number of an ordered pair of tasks."""
        return pair_column(self.tasks.index(pair.source),
                           self.tasks.index(pair.target), len(self.tasks))


@MODELS.register_module()
class CrossTaskConsistency(JointSpace):
    """What is said of a task must fit the label of another one.

    Li, Liu, Bilen, CVPR 2022. A mapping network brings the prediction of a
    task without a label and a label of the same image into a space of that
    pair of tasks, where their directions should agree; both stay near the
    encoder's feature, so that the space does not collapse. The network
    learns through the prediction, the mapping through both; nothing reaches
    the feature.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        mapping: Config of the mapping network, default
            :class:`SegNetMapping`. Its embedding has the shape of the
            feature.
        reg_weight: Factor of the distances to the feature; 0 leaves them
            out.
        feature: Module whose output is the feature (the last map of
            several); default the backbone's last one.
        weight: Factor of all losses.
        **kwargs: Those of :class:`PairCompanion`.

    Raises:
        ConfigError: Something that does not fit.
    """

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 mapping: Mapping[str, Any] | None = None,
                 reg_weight: float = 0.5,
                 feature: str | None = None,
                 weight: float = 1.0,
                 **kwargs: Any) -> None:
        super().__init__(student, key, mapping, weight=weight, **kwargs)
        self.reg_weight = number_of(f'`{key}.reg_weight`', reg_weight)
        if not reg_weight and feature is not None:
            raise ConfigError(f'`{key}.feature` would change nothing with '
                              'reg_weight=0: leave it out.')
        own = hasattr(student.backbone, 'embedding')
        self.feature = feature or (
            'backbone.embedding' if own else 'backbone')
        if self.feature not in dict(student.named_modules()):
            raise ConfigError(f'`{key}.feature` names {feature!r}, which the '
                              'model does not have.')

    @property
    def encoder_taps(self) -> list[str]:  # type: ignore[override]
        """The feature that embeddings stay near."""
        return [self.feature] if self.reg_weight else []

    def prepare(self, model: Any) -> None:
        """Compare the shape of embeddings with that of the feature."""
        if not self.reg_weight:
            return
        training, side = model.training, 64
        device = next(model.parameters()).device
        with torch.no_grad(), output_tap(model, [self.feature]) as seen:
            model.eval()
            model.encode(torch.zeros(1, 3, side, side, device=device))
            zero = torch.zeros(1, dtype=torch.long, device=device)
            task, channels = next(iter(self.channels.items()))
            found = self.mapping([(task, torch.zeros(
                1, channels, side, side, device=device))], zero, zero)
        model.train(training)
        if not seen[self.feature]:
            raise ConfigError(
                f'`{self.key}.feature` names {self.feature!r}, which is no '
                "part of what encodes an image: name a module of 'backbone' "
                "or 'neck'.")
        asked = tuple(_last_map(seen[self.feature][0], self.key).shape[1:])
        made = tuple(found.shape[1:])
        if made != asked:
            raise ConfigError(
                f'`{self.key}.mapping` makes {made} (channels, height, '
                f'width) of an image of {side} pixels, and the feature '
                f'{self.feature!r} has {asked}: let both agree, for example '
                'by `widths` of mmmultas.SegNetMapping, by '
                'mmmultas.ResNetMapping beside mmmultas.DilatedResNet, or '
                'set `reg_weight=0`.')

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """Distance of each pair, and distances to the feature."""
        return [('xtc', 'loss_ct')] + [('xtc', 'loss_reg')] * bool(
            self.reg_weight)

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Sums over pairs; their count is that of images."""
        factor = self.factor()
        if not factor:
            return {}
        pairs = self.image_pairs(update)
        names = [term for _, term in self.terms(update.model)]
        count = torch.tensor(float(self.count(update)), device=next(
            iter(update.inputs.values())).device)
        if not pairs:
            return dict(xtc={name: LossSum(count * 0, count, absent=True)
                             for name in names})
        total: dict[str, Any] = dict.fromkeys(names, 0.)
        for group in by_size(update, pairs):
            for name, value in self._totals(update, group).items():
                total[name] = total[name] + factor * value
        return dict(xtc={name: LossSum(value, count)
                         for name, value in total.items()})

    def _totals(self, update: Update,
                pairs: Sequence[ImagePair]) -> dict[str, Tensor]:
        source, target = in_full(self.embed(update, pairs))
        weights = source.new_tensor([pair.weight for pair in pairs])
        with full_precision():
            found = dict(loss_ct=(
                weights * cosine_distance(source, target)).sum())
            if self.reg_weight:
                feature = self._features(update, pairs)
                near = (cosine_distance(source, feature)
                        + cosine_distance(target, feature))
                found['loss_reg'] = self.reg_weight * (weights * near).sum()
        return found

    def _features(self, update: Update,
                  pairs: Sequence[ImagePair]) -> Tensor:
        """The feature of each pair's image, without a way back."""
        parts = []
        for pair in pairs:
            found = _last_map(update.encoder[pair.stream][self.feature],
                              self.key)
            parts.append(found[pair.row].detach())
        return torch.stack(parts).float()


def by_size(update: Update,
            pairs: Sequence[ImagePair]) -> Iterator[list[ImagePair]]:
    """Pairs of images of one size together, whatever their streams."""
    groups: dict[Any, list[ImagePair]] = {}
    for pair in pairs:
        shape = update.inputs[pair.stream].shape[1:]
        groups.setdefault(shape, []).append(pair)
    yield from groups.values()


def _last_map(output: Any, key: str) -> Tensor:
    """The last map (N, C, h, w) of what a module puts out.

    Raises:
        ConfigError: There is none.
    """
    parts = output if isinstance(output, list | tuple) else [output]
    for part in reversed(list(parts)):
        if isinstance(part, Tensor) and part.dim() == 4 and (
                part.is_floating_point()):
            return part
    raise ConfigError(f'`{key}.feature` names a module that puts out no map '
                      '(N, C, h, w): name another one.')
