"""Grad-CAM of boxes and of classes of pixels, from any layer."""
import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.registry import DefaultScope
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mmmultas.functional.average_precision import voc_overlaps
from mmmultas.functional.grad_cam import grad_cam, sum_levels, to_unit_range
from mmmultas.models.multitask import MultiTaskDetSeg
from mmmultas.structures import (BOXES, CLASSES, EDGES, SALIENCY,
                                 pred_field)
from mmmultas.utils.errors import ConfigError

__all__ = ['CamTarget', 'Explanation', 'LayerTap', 'explain', 'find_layer']


@dataclass(frozen=True)
class CamTarget:
    """Which score is explained.

    Attributes:
        task: Name of any of the model's tasks.
        label: Number of the class; None: of the best box, or the class that
            most pixels are predicted as. Tasks without classes have none.
        rank: The how-manieth best box (of the class), from 1.
        region: xyxy in the picture's pixels: the box that overlaps it most
            (then ``rank`` does not count); of pixels all those in it,
            whatever they are predicted as. Without it all pixels of the
            class, all that are a yes (edges, saliency), or all (depth,
            normals).
        background: Number of the class that is never chosen by itself.
    """
    task: str
    label: int | None = None
    rank: int = 1
    region: Sequence[float] | None = None
    background: int | None = 0


@dataclass(frozen=True)
class Explanation:
    """Where a score comes from.

    Attributes:
        heat: (H, W) float32 in [0, 1], the picture's size; None where the
            model finds nothing of the kind.
        label: Number of the class, or None.
        score: Of the box; of pixels their mean logit.
        box: (4,) xyxy of the box.
        pixels: (H, W) bool, the pixels whose logits were summed.
    """
    heat: NDArray | None
    label: int | None = None
    score: float = 0.0
    box: NDArray | None = None
    pixels: NDArray | None = None


def find_layer(model: nn.Module, path: str) -> nn.Module:
    """The module of a dotted path.

    Raises:
        ConfigError: There is none; the sentence names near ones.
    """
    known = {name: module for name, module in model.named_modules() if name}
    if path in known:
        return known[path]
    near = difflib.get_close_matches(path, known, 3, 0.6)
    parent = path
    while parent and parent not in known:
        parent = parent.rpartition('.')[0]
    inside = known[parent] if parent else model
    parts = ', '.join(name for name, _ in inside.named_children())
    hint = f' Near it: {", ".join(near)}.' if near else ''
    raise ConfigError(f'The model has no layer {path!r}: '
                      f'{parent or "it"} consists of {parts or "no parts"}.'
                      f'{hint}')


class LayerTap:
    """Within its scope, keep what a layer gives; afterwards no hook is left.

    What follows the layer computes from copies of its outputs, which no
    gradient passes: those of the score are taken with respect to the outputs
    alone.

    Args:
        layer: The layer.
        name: Its name, for messages.
    """

    def __init__(self, layer: nn.Module, name: str) -> None:
        self._layer = layer
        self._name = name
        #: (N, C, H, W) each: levels, or calls of a layer used repeatedly.
        self.outputs: list[Tensor] = []

    def __enter__(self) -> 'LayerTap':
        self._handle = self._layer.register_forward_hook(self._keep)
        return self

    def __exit__(self, *_: Any) -> None:
        self._handle.remove()

    def cam(self, score: Tensor, level: int | None,
            size: tuple[int, int]) -> Tensor:
        """Grad-CAM of the first image, (H, W) of ``size``.

        Args:
            score: A scalar computed within the scope.
            level: Which output; None: the sum over all of them.
            size: Of the result.

        Raises:
            ConfigError: The layer gave nothing that the score depends on.
        """
        outputs = self._chosen(level)
        gradients: Sequence[Tensor | None] = [None]
        if score.requires_grad:
            gradients = torch.autograd.grad(
                score, outputs, allow_unused=True)
        maps = [
            grad_cam(output.detach()[0].float(), gradient[0].float())
            for output, gradient in zip(outputs, gradients)
            if gradient is not None
        ]
        if not maps:
            which = '' if level is None else f'level {level} of '
            raise ConfigError(f'The score does not depend on {which}'
                              f'{self._name!r}: choose a layer that lies '
                              'before the head of the task.')
        return sum_levels(maps, size)

    def _chosen(self, level: int | None) -> list[Tensor]:
        if not self.outputs:
            raise ConfigError(f'{self._name!r} gives no feature maps '
                              '(C, H, W) when the model predicts: choose '
                              'another layer.')
        if level is None:
            return self.outputs
        if not 0 <= level < len(self.outputs):
            raise ConfigError(f'{self._name!r} gives {len(self.outputs)} '
                              f'levels, numbered from 0; there is no level '
                              f'{level}.')
        return [self.outputs[level]]

    def _keep(self, _: nn.Module, __: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            if output.ndim != 4:
                return output
            leaf = output.data.requires_grad_()  # `detach` may be off
            self.outputs.append(leaf)
            # a copy, which an activation may overwrite
            return leaf.clone()
        if isinstance(output, list | tuple):
            parts = [self._keep(_, __, part) for part in output]
            return tuple(parts) if isinstance(output, tuple) else parts
        if isinstance(output, Mapping):
            return {k: self._keep(_, __, part) for k, part in output.items()}
        return output


def explain(model: MultiTaskDetSeg,
            packed: Mapping[str, Any],
            layer: str,
            target: CamTarget,
            level: int | None = None) -> Explanation:
    """Where in a picture a score comes from, seen from a layer.

    The score is a box's, after the head's own post-processing, or the sum of
    a class's logits over the pixels predicted as it (or in a region). Of edges
    and saliency it is the sum of the logits, of depth that of the depth, of
    normals that of the vectors' lengths before they are made 1. Weights, their
    gradients and the training mode stay as they are.

    Args:
        model: The network.
        packed: One picture as the pipeline packs it.
        layer: Dotted path of the layer.
        target: What is explained.
        level: Which level, of a layer with several outputs; by default the
            maps of all are enlarged and added.

    Raises:
        ConfigError: No such layer, level, task or class, or the score does
            not depend on the layer.
    """
    if target.task not in model.heads:
        raise ConfigError(f'The model has no head for {target.task!r}: it '
                          f'has {sorted(model.heads)}.')
    module = find_layer(model, layer)
    kind = model.tasks[target.task].kind
    score_of = {BOXES: _box_score, CLASSES: _pixel_score}.get(
        kind, _map_score)
    with _evaluating(model), torch.enable_grad(), \
            DefaultScope.overwrite_default_scope('mmdet'), \
            LayerTap(module, layer) as tap:
        data = model.data_preprocessor(
            dict(inputs=[packed['inputs']],
                 data_samples=[packed['data_samples']]), False)
        score, found = score_of(model, data, target)
        if score is None:
            return found
        size = tuple(data['inputs'].shape[-2:])
        cam = tap.cam(score, level, size)
    heat = to_unit_range(_to_picture(cam, data['data_samples'][0]))
    return Explanation(heat.cpu().numpy(), found.label, found.score,
                       found.box, found.pixels)


class _Attached(TorchFunctionMode):
    """Keep gradients where the post-processing of a stock head cuts them."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        if func is Tensor.detach:
            return args[0]
        return func(*args, **(kwargs or {}))


def _box_score(model: MultiTaskDetSeg, data: Any,
               target: CamTarget) -> tuple[Tensor | None, Explanation]:
    model.predict_only([target.task])
    try:
        with _Attached():
            sample = model(**data, mode='predict')[0]
    finally:
        model.predict_only(None)
    found = sample.get(pred_field(target.task))
    labels, scores = found.labels, found.scores
    order = scores.detach().argsort(descending=True, stable=True)
    if target.label is not None:
        order = order[labels[order] == target.label]
    rank = target.rank - 1
    if target.region is not None and len(order):
        overlaps = voc_overlaps(found.bboxes[order].detach().cpu().numpy(),
                                np.array([target.region]))[:, 0]
        rank = int(overlaps.argmax()) if overlaps.max() > 0 else len(order)
    if rank >= len(order):
        return None, Explanation(None, target.label)
    place = int(order[rank])
    return scores[place], Explanation(
        None, int(labels[place]), float(scores[place].detach()),
        found.bboxes[place].detach().cpu().numpy())


def _pixel_score(model: MultiTaskDetSeg, data: Any,
                 target: CamTarget) -> tuple[Tensor | None, Explanation]:
    sample = data['data_samples'][0]
    logits_KHW = _raw_map(model, data, target.task)
    if len(logits_KHW) == 1:  # a binary head
        logits_KHW = torch.cat([-logits_KHW, logits_KHW])
    predicted = logits_KHW.detach().argmax(0)
    pixels = torch.ones_like(predicted, dtype=torch.bool)
    if target.region is not None:
        pixels = _rectangle(target.region, sample, predicted)
    label = target.label
    if label is None:
        label = _most_frequent(predicted[pixels], target.background)
    if label is not None and target.region is None:
        pixels = predicted.eq(label)
    if label is None or not pixels.any():
        return None, Explanation(None, label)
    score = logits_KHW[label][pixels].sum()
    return score, Explanation(None, label,
                              float(score.detach() / pixels.sum()), None,
                              _shown(pixels, data))


def _map_score(model: MultiTaskDetSeg, data: Any,
               target: CamTarget) -> tuple[Tensor | None, Explanation]:
    """Of a task without classes: how much its map says in a region."""
    sample = data['data_samples'][0]
    raw_CHW = _raw_map(model, data, target.task)
    values = raw_CHW[0] if len(raw_CHW) == 1 else raw_CHW.norm(dim=0)
    pixels = torch.ones_like(values, dtype=torch.bool)
    if target.region is not None:
        pixels = _rectangle(target.region, sample, values)
    elif model.tasks[target.task].kind in (EDGES, SALIENCY):
        pixels = values.detach() > 0  # logits of a yes
    if not pixels.any():
        return None, Explanation(None)
    score = values[pixels].sum()
    return score, Explanation(
        None, None, float(score.detach() / pixels.sum()), None,
        _shown(pixels, data))


def _raw_map(model: MultiTaskDetSeg, data: Any, task: str) -> Tensor:
    """Raw outputs (C, H, W) at the picture's part of the input."""
    feats = model.encode(data['inputs'])
    raw = model.raw_outputs(feats, [task])[task]
    height, width = data['data_samples'][0].metainfo['img_shape'][:2]
    raw = F.interpolate(
        raw, size=data['inputs'].shape[-2:], mode='bilinear',
        align_corners=getattr(model.heads[task], 'align_corners', False))
    return raw[0, :, :height, :width]


def _shown(pixels: Tensor, data: Any) -> NDArray:
    """A mask of the input's pixels as one of the picture's."""
    height, width = pixels.shape
    shape = data['inputs'].shape[-2:]
    padded = F.pad(pixels.float(),
                   (0, shape[1] - width, 0, shape[0] - height))
    return np.asarray(
        (_to_picture(padded, data['data_samples'][0]) > 0.5).cpu().numpy())


def _most_frequent(labels: Tensor, background: int | None) -> int | None:
    """The class with the most entries, None where there is none."""
    if background is not None:
        labels = labels[labels != background]
    return int(labels.mode().values) if len(labels) else None


def _rectangle(region: Sequence[float], sample: Any,
               like: Tensor) -> Tensor:
    """A region of the picture as a mask (H, W) of the network's input."""
    scale = np.array(like.shape) / np.array(sample.metainfo['ori_shape'][:2])
    x1, y1, x2, y2 = (round(v * scale[1 - place % 2])
                      for place, v in enumerate(region))
    mask = torch.zeros_like(like, dtype=torch.bool)
    rows, columns = (slice(max(low, 0), max(high + 1, 0))
                     for low, high in ((y1, y2), (x1, x2)))
    mask[rows, columns].fill_(True)
    return mask


def _to_picture(values: Tensor, sample: Any) -> Tensor:
    """From the padded input to the picture: (H, W)."""
    height, width = sample.metainfo['img_shape'][:2]
    return F.interpolate(
        values[None, None, :height, :width],
        size=tuple(sample.metainfo['ori_shape'][:2]),
        mode='bilinear',
        align_corners=False)[0, 0]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
