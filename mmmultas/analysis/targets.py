"""Sheets of what boxes say about masks, and masks about boxes."""
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

from mmmultas.models.companions.base import Update
from mmmultas.models.companions.box_view import box_view
from mmmultas.models.companions.label_spaces import Pair, pairs_of
from mmmultas.models.companions.pixels import (cell_colours, cell_grid,
                                               cell_scores)
from mmmultas.registry import MODELS
from mmmultas.structures import BOXES, CLASSES, has_task, kind_of
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress
from mmmultas.utils.run_files import chosen_checkpoint
from mmmultas.utils.spelling import alike
from mmmultas.visualization.drawing import Picture, class_colours

from .browse import contact_sheet, shown_samples
from .target_panels import Canvas, box_panels, centre_scores, mask_panels

__all__ = ['browse_targets']

#: Masks from which it is learnt how much of their boxes objects fill.
LEARNT_FROM = 64
_SIDE = 320
#: Type of a companion → its name where the config has none.
_KINDS = {'mmmultas.BoxForMask': 'boxes', 'mmmultas.MaskForBox': 'masks'}
_NO_TARGETS = 'There are no targets to draw'


def browse_targets(cfg: Mapping[str, Any],
                   out_dir: str | Path,
                   streams: Sequence[str] | None = None,
                   number: int = 1,
                   start: int = 0,
                   checkpoint: str | Path | None = None) -> list[Path]:
    """Write a sheet of targets per training stream that has some.

    Args:
        cfg: A config of a network with boxes and masks; the settings of its
            companions count, else their defaults.
        out_dir: Folder of the sheets, ``targets_{stream}.png``.
        streams: Names of the streams, all by default.
        number: Images per stream.
        start: First batch, counted from 0.
        checkpoint: A network by whose scores boxes are filled; without one
            what lies in the middle of a box comes first.

    Returns:
        list: The files written.

    Raises:
        ConfigError: A network without both tasks, or no such stream.
    """
    loaders = {k: v for k, v in (cfg.get('train_dataloader') or {}).items()
               if v is not None}
    names = list(loaders) if streams is None else list(streams)
    unknown = sorted(set(names) - set(loaders))
    if unknown:
        raise ConfigError(f'`train_dataloader` has no stream {unknown}: it '
                          f'has {sorted(loaders)}.')
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    shown = {name: _Shown(name, loader, seed, start)
             for name, loader in loaders.items()}
    targets = _Targets(cfg, shown.values(), checkpoint)
    paths = []
    for name in names:
        rows = []
        samples = shown[name].samples(number)
        for item in progress(samples, what=f'targets {name}'):
            panels = list(targets.panels(*item))
            rows += [contact_sheet(panels, 4)] if panels else []
        if rows:
            path = Path(out_dir) / f'targets_{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), contact_sheet(rows, 1)[..., ::-1])
            paths.append(path)
    if not paths:
        raise ConfigError('No image of these streams has the label of one '
                          'task and lacks that of the other one: there is no '
                          'target to draw.')
    return paths


class _Shown:
    """Samples of a training stream, in a run's order."""

    def __init__(self, name: str, loader: Mapping[str, Any], seed: int,
                 start: int) -> None:
        self.name = name
        loader = dict(loader, num_workers=0)
        loader.pop('persistent_workers', None)
        self._draw = lambda: shown_samples('train', name, loader, seed, start)

    def samples(self, number: int) -> list[tuple[dict, Picture, Any]]:
        """Metainfo of the data set, RGB image and sample, so many times."""
        return list(islice(self._draw(), number))


class _Targets:
    """Companions that say what images teach."""

    def __init__(self, cfg: Mapping[str, Any], shown: Any,
                 checkpoint: str | Path | None) -> None:
        self.model, made = _with_companions(cfg)
        self.asked = checkpoint is not None
        if checkpoint is not None:
            path = chosen_checkpoint(checkpoint)
            load_weights(self.model, load_file(path), str(path))
        self.model.eval()
        found = [one.samples(LEARNT_FROM) for one in shown]
        self.meta: dict[str, Any] = {}
        for samples in found:
            self.meta.update(samples[0][0] if samples else {})
        _refuse_unlike(self.model, self.meta, made)
        self.model.meet(self.meta, 1, 1)
        self.by_boxes, self.by_masks = (
            self.model.companions[made[kind]] for kind in _KINDS)
        self.by_boxes.learn_rates(Update(self.model, dict(
            all=torch.zeros(1)), dict(all=[
                sample for samples in found for *_, sample in samples]), {}))

    @torch.no_grad()
    def panels(self, meta: dict, image: Picture,
               sample: Any) -> Iterator[Picture]:
        """Panels of a sample, none if it has both labels or neither."""
        planes = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))
        batch = self.model.data_preprocessor(dict(
            inputs=[torch.from_numpy(planes)], data_samples=[sample]), True)
        inputs, sample = batch['inputs'], batch['data_samples'][0]
        outs = self.model.raw_outputs(self.model.encode(inputs))
        for pair in self.by_boxes.pairs:
            canvas = self._canvas(image, pair)
            boxes, masks = (has_task(sample, task)
                            for task in (pair.boxes, pair.masks))
            if boxes and not masks:
                yield from self._of_boxes(canvas, pair, inputs, sample, outs)
            if masks and not boxes:
                anchors = self.model.heads[pair.boxes].anchors_of(
                    outs[pair.boxes], [sample])
                view = self.model.tasks[pair.masks].view(sample)
                yield from mask_panels(canvas, self.by_masks, pair, view,
                                       anchors)

    def _of_boxes(self, canvas: Canvas, pair: Pair, inputs: Any, sample: Any,
                  outs: Mapping[str, Any]) -> list[Picture]:
        made, size = self.by_boxes, (inputs.shape[-2], inputs.shape[-1])
        task = self.model.tasks[pair.masks]
        scores = cell_scores(outs[pair.masks], size, pair.num_pixel_classes,
                             task.key)[0]
        assert scores.shape[1:] == cell_grid(size)
        view = box_view(self.model.tasks[pair.boxes].view(sample), pair,
                        scores)
        if not self.asked:
            scores = centre_scores(view, pair.num_pixel_classes)
        colours = cell_colours(inputs, self.model.data_preprocessor)[0]
        return box_panels(canvas, view, scores,
                          made.rates[pair.masks].values(), made.delta,
                          colours, made.pairs_threshold)

    def _canvas(self, image: Picture, pair: Pair) -> Canvas:
        meta = self.meta.get(pair.masks, {})
        names = meta.get('classes') or [
            str(k) for k in range(pair.num_pixel_classes)]
        scale = max(1, round(_SIDE / max(image.shape[:2])))
        colours = class_colours(len(names), meta.get('palette'), first=0)
        return Canvas(image, scale, colours, names)


def _with_companions(cfg: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """The network of a config, with both weak companions and no other.

    Returns:
        tuple: The network, and the type of each of both → its name: that of
        the config, so that messages name what is written there.

    Raises:
        ConfigError: A network without boxes or without masks.
    """
    model = ConfigDict(cfg['model'])
    model = ConfigDict(model.get('architecture', model))
    kinds = {kind_of(name, model.heads) for name, head in model.heads.items()
             if head is not None}
    for kind, what in ((BOXES, 'boxes'), (CLASSES, 'masks of classes')):
        if kind not in kinds:
            raise ConfigError(
                f'{_NO_TARGETS}: the network ({", ".join(model.heads)}) has '
                f'no head for {what}, and targets are what labels of boxes '
                'say about masks, and the other way round.')
    given = {str(one['type']): name for name, one in (
        model.get('companions') or {}).items() if one}
    names = {kind: given.get(kind, name) for kind, name in _KINDS.items()}
    model.companions = {
        name: dict(model.companions[name]) if kind in given else
        dict(type=kind) for kind, name in names.items()}
    for key in ('balancer', 'init_cfg'):
        model.pop(key, None)
    if 'init_cfg' in model.backbone:
        model.backbone = dict(model.backbone, init_cfg=None)
    with DefaultScope.overwrite_default_scope('mmdet'):
        built: Any = MODELS.build(model)
    built.prepare()
    return built, names


def _refuse_unlike(model: Any, meta: Mapping[str, Any],
                   names: Mapping[str, str]) -> None:
    """Say that no class is shared, where no companion is written.

    Raises:
        ConfigError: So it is; what is written speaks for itself.
    """
    if dict(names) != _KINDS:
        return
    spaces = [tuple(tuple(meta.get(task, {}).get('classes') or ())
                    for task in pair) for pair in pairs_of(model, '')]
    if any(not b or not m or set(b) & set(m) for b, m in spaces):
        return
    boxes, masks = spaces[0]
    same = alike(boxes, masks)
    how = (f'their names differ by spelling only, write them alike: {same}'
           if same else 'docs/weak_losses.md tells how to join other names')
    raise ConfigError(f'{_NO_TARGETS}: boxes ({", ".join(boxes[:3])}) and '
                      f'masks ({", ".join(masks[:3])}) share no class; {how}.')
