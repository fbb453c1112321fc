"""What is written into an ONNX file: the network, or all from the picture."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmmultas.structures import BOXES, CLASSES
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.tracing import is_captured, is_compiling

from ..saved_model import SavedModel
from .boxes import NMS, dense_boxes
from .class_maps import LargestClass

__all__ = ['CoreGraph', 'EndToEnd', 'input_size', 'output_names']

#: As many as there are.
ALL = 10**9
#: Outputs of a task of each form: ends of their names.
BOX_OUTPUTS = ('bboxes', 'scores', 'labels')


def input_size(saved: SavedModel) -> tuple[int, int]:
    """Height and width that the test pipeline squashes pictures to.

    Raises:
        ConfigError: It does something else to them.
    """
    sizes = []
    for step in saved.geometry:
        kind = str(step.get('type')).split('.')[-1]
        scale = step.get('size') if kind == 'Squash' else step.get('scale')
        plain = kind == 'Resize' and scale is not None and not any(
            step.get(key, usual) != usual for key, usual in
            dict(keep_ratio=False, interpolation='bilinear',
                 backend='cv2').items())
        if kind == 'Squash' or plain:
            height, width = _height_width(kind, scale)
            sizes.append((height, width))
            continue
        raise ConfigError(
            f'The test pipeline has {dict(step)}, which cannot be exported: '
            'take mmmultas.Squash alone, or a bilinear Resize to one size.')
    if len(sizes) != 1:
        raise ConfigError(
            f'The test pipeline resizes pictures {len(sizes)} times: an '
            'exported model wants one mmmultas.Squash in it.')
    return sizes[0]


def _height_width(kind: str, scale: Any) -> tuple[int, int]:
    if isinstance(scale, int):
        return scale, scale
    first, second = (int(side) for side in scale)
    return (first, second) if kind == 'Squash' else (second, first)


def output_names(saved: SavedModel, raw: bool) -> list[str]:
    """Names of the outputs, task by task.

    Args:
        saved: The model.
        raw: Whether boxes are those of all places, and maps at the
            network's own size.
    """
    names = []
    for name, task in saved.model.tasks.items():
        if task.kind == BOXES:
            ends = ('scores', 'bboxes') if raw else BOX_OUTPUTS
            names += [f'{name}_{end}' for end in ends]
        else:
            names.append(f'{name}_map')
    return names


class CoreGraph(nn.Module):
    """The network alone: normalised pictures to what heads say.

    Args:
        saved: A model in evaluation mode.

    Raises:
        ConfigError: A head that cannot be written down.
    """

    def __init__(self, saved: SavedModel) -> None:
        super().__init__()
        self.model = saved.model
        for name, task in self.model.tasks.items():
            if task.kind != BOXES and not task.splits(self.model.heads[name]):
                raise ConfigError(
                    f'`model.heads.{name}` is a '
                    f'{type(self.model.heads[name]).__name__}, which finds '
                    'its predictions in a way of its own and cannot be '
                    'exported: docs/export.md lists the heads that can.')

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the network.

        Args:
            images: (N, 3, H, W) float32, normalised.

        Returns:
            Of each detector scores (N, A, C) in [0, 1] and corners
            (N, A, 4) in pixels of the input, of all places; of each other
            task raw maps (N, K, h, w).
        """
        outs: list[Tensor] = []
        raw = self.model.raw_outputs(self.model.encode(images))
        for name, task in self.model.tasks.items():
            if task.kind == BOXES:
                outs += dense_boxes(name, self.model.heads[name], raw[name])
            else:
                outs.append(raw[name].float())
        return tuple(outs)


class EndToEnd(nn.Module):
    """From a picture of any size to boxes and maps in its own pixels.

    Args:
        saved: A model in evaluation mode.
        score_thr: Boxes must score more; None: what the head says.

    Raises:
        ConfigError: A pipeline or a head that cannot be written down.
    """

    def __init__(self, saved: SavedModel,
                 score_thr: float | None = None) -> None:
        super().__init__()
        self.core = CoreGraph(saved)
        self.size = input_size(saved)
        self.pre = _Normalise(saved.model.data_preprocessor, self.size)
        self.suppression = {
            name: suppression(name, saved.model.heads[name], score_thr)
            for name, task in saved.model.tasks.items() if task.kind == BOXES
        }

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Predict on one picture.

        Args:
            image: (H, W, 3) uint8, BGR.

        Returns:
            Of each detector corners (M, 4) in the picture's pixels, scores
            (M,) and labels (M,) int64, best first; of classes (H, W) int64;
            of each other task (C, H, W) float32.
        """
        height, width = image.shape[0], image.shape[1]
        rest = list(self.core(self.pre(image)))
        outs: list[Tensor] = []
        model = self.core.model
        for name, task in model.tasks.items():
            if task.kind == BOXES:
                scores, boxes = rest.pop(0), rest.pop(0)
                outs += self._boxes(name, scores[0], boxes[0], height, width)
            else:
                outs.append(self._map(task, model.heads[name], rest.pop(0),
                                      height, width))
        return tuple(outs)

    def _boxes(self, name: str, scores: Tensor, boxes: Tensor, height: Any,
               width: Any) -> list[Tensor]:
        cfg = self.suppression[name]
        flat = scores.reshape(-1)
        best, index = flat.topk(min(int(cfg['nms_pre']), flat.shape[0]))
        classes = scores.shape[1]
        labels = index % classes
        boxes = boxes[torch.div(index, classes, rounding_mode='floor')]
        limit = boxes.new_tensor([self.size[1], self.size[0]] * 2)
        boxes = torch.minimum(boxes.clamp(min=0.0), limit)
        # classes far apart, so that one suppression serves all
        apart = boxes + (labels.float() * (max(self.size) + 1.0))[:, None]
        nms = (torch.ops.mmmultas.nms if is_captured()
               else NMS.apply)
        keep = nms(apart, best, int(cfg['max_per_img']),
                         float(cfg['iou_threshold']),
                         float(cfg['score_thr']))
        scale = torch.stack([
            _number(width) / self.size[1],
            _number(height) / self.size[0]
        ]).to(boxes.dtype).repeat(2)
        return [boxes[keep] * scale, best[keep], labels[keep]]

    def _map(self, task: Any, head: Any, maps: Tensor, height: Any,
             width: Any) -> Tensor:
        rows, columns = self.pre.padded
        if getattr(head, 'overshoots', False):
            maps = maps[..., :rows, :columns]
        align = getattr(head, 'align_corners', False)
        maps = _resized(maps, (rows, columns), align)
        if task.kind != CLASSES:
            maps = task.meaning(maps)
        maps = maps[..., :self.size[0], :self.size[1]]
        if task.kind == CLASSES and maps.shape[1] > 1 and not is_captured():
            size = torch.stack([_number(side) for side in (
                1, height, width, maps.shape[1])])
            classes: Tensor = LargestClass.apply(maps, size, bool(align))
            return classes.flatten(0, 1)
        maps = _resized(maps, (height, width), align)
        # flattening copies nothing in a runtime, taking the first does
        if task.kind != CLASSES:
            joined: Tensor = task.joined(maps).flatten(0, 1)
            return joined
        if maps.shape[1] == 1:
            threshold = getattr(head, 'threshold', 0.5)
            return (maps.flatten(0, 2).sigmoid() > threshold).long()
        return maps.argmax(1).flatten(0, 1)


class _Normalise(nn.Module):
    """Resize, normalise and pad a picture as the test does.

    Args:
        preprocessor: The model's data preprocessor.
        size: Height and width of the network's input.
    """
    mean: Tensor
    std: Tensor

    def __init__(self, preprocessor: Any, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        mean, std, self.rgb = normalisation(preprocessor)
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)
        divisor = int(getattr(preprocessor, 'pad_size_divisor', 1) or 1)
        self.fill = float(getattr(preprocessor, 'pad_value', 0) or 0)
        height, width = (-(-side // divisor) * divisor for side in size)
        #: Height and width with padding.
        self.padded = (height, width)

    def forward(self, image: Tensor) -> Tensor:
        """Map (H, W, 3) uint8 BGR to (1, 3, h, w) float32."""
        x = resize_picture(image, self.size, self.rgb).float()
        # (h, 3 w): numbers that follow one another share no mean, but rows do
        mean, std = (part.flatten().repeat(self.size[1])
                     for part in (self.mean, self.std))
        x = ((x - mean) / std).view(1, *self.size, 3).permute(0, 3, 1, 2)
        down = self.padded[0] - self.size[0]
        right = self.padded[1] - self.size[1]
        return F.pad(x, (0, right, 0, down), value=self.fill) if (
            down or right) else x


def resize_picture(image: Tensor, size: tuple[int, int],
                   turned: bool = False) -> Tensor:
    """OpenCV's bilinear resize, which computes with 11 bits.

    Args:
        image: (H, W, 3) uint8.
        size: Height h and width w of the result.
        turned: Whether channels are put out last first.

    Returns:
        (h, 3 w) int32 in [0, 255], channels last: runtimes are slow where
        the last axis has three numbers.
    """
    y0, y1, b0, b1 = _taps(image.shape[0], size[0], False)
    x0, x1, a0, a1 = _taps(image.shape[1], size[1], True)
    channels = torch.arange(3).flip(0) if turned else torch.arange(3)
    x0, x1 = ((x[:, None] * 3 + channels).flatten() for x in (x0, x1))
    a0, a1 = (a[:, None].repeat(1, 3).flatten() for a in (a0, a1))
    image = image.flatten(1)
    total = torch.full((1, 1), 2, dtype=torch.int32)
    for rows, share in ((y0, b0), (y1, b1)):
        row = image[rows]
        part = row[:, x0].int() * a0 + row[:, x1].int() * a1
        part = share[:, None] * _shifted(part, 16)
        total = total + _shifted(part, 65536)
    return _shifted(total, 4)


def _shifted(x: Tensor, by: int) -> Tensor:
    return torch.div(x, by, rounding_mode='trunc')


def _taps(old: Any, new: int,
          stops: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where each new place reads along an axis, and 2048 times how much.

    Args:
        old: Length of the axis; a tensor while a graph is written.
        new: Its new length.
        stops: Whether places beyond the border count once (columns).
    """
    last = _number(old) - 1
    scale = _number(old).double() / new
    place = (torch.arange(new).double() + 0.5) * scale - 0.5
    place = place.float()
    low = place.floor()
    share = place - low
    if stops:
        outside = (low < 0) | (low >= last)
        share = torch.where(outside, torch.zeros_like(share), share)
    index = low.long()
    zero = torch.zeros_like(last)
    high = torch.minimum(torch.maximum(index + 1, zero), last)
    index = torch.minimum(torch.maximum(index, zero), last)
    return (index, high, ((1 - share) * 2048).round().int(),
            (share * 2048).round().int())


def _number(size: Any) -> Tensor:
    """A side of a picture, which stays open while a graph is written."""
    if is_captured():
        return torch.scalar_tensor(size, dtype=torch.int64)
    return torch.as_tensor(size)


def normalisation(preprocessor: Any) -> tuple[Tensor, Tensor, bool]:
    """Mean and spread, (1, 3, 1, 1) each, and whether channels are turned."""
    if not getattr(preprocessor, '_enable_normalize', False):
        one = torch.ones(1, 3, 1, 1)
        return 0 * one, one, bool(preprocessor._channel_conversion)
    return (preprocessor.mean.view(1, 3, 1, 1).float().cpu().clone(),
            preprocessor.std.view(1, 3, 1, 1).float().cpu().clone(),
            bool(preprocessor._channel_conversion))


def suppression(name: str, head: Any,
                score_thr: float | None) -> dict[str, Any]:
    """How a head chooses boxes: score_thr, nms_pre, iou_threshold,
    max_per_img.

    Raises:
        ConfigError: Something else than class-wise suppression.
    """
    cfg: Mapping[str, Any] = getattr(head, 'test_cfg', None) or {}
    found = {key: cfg[key] for key in ('score_thr', 'nms_pre',
                                       'iou_threshold', 'max_per_img')
             if key in cfg}
    nms = cfg.get('nms')
    if nms is not None:
        if nms.get('type', 'nms') != 'nms' or nms.get('class_agnostic'):
            raise ConfigError(
                f'`model.heads.{name}.test_cfg.nms` is {dict(nms)}, but only '
                "class-wise type='nms' can be exported.")
        found['iou_threshold'] = nms['iou_threshold']
    if cfg.get('class_agnostic'):
        raise ConfigError(
            f'`model.heads.{name}.test_cfg.class_agnostic` is on, which '
            'cannot be exported: switch it off.')
    if (cfg.get('min_bbox_size') or 0) > 0:
        raise ConfigError(
            f'`model.heads.{name}.test_cfg.min_bbox_size` is '
            f'{cfg["min_bbox_size"]}, which cannot be exported: make it 0.')
    for key, usual in dict(nms_pre=ALL, max_per_img=ALL, score_thr=0.0,
                           iou_threshold=0.5).items():
        found.setdefault(key, usual)
    for key in ('nms_pre', 'max_per_img'):
        found[key] = found[key] if found[key] > 0 else ALL
    if score_thr is not None:
        found['score_thr'] = score_thr
    return found


def _resized(maps: Tensor, size: Sequence[Any], align: bool) -> Tensor:
    same = (maps.shape[-2], maps.shape[-1]) == tuple(size)
    if same and not is_compiling():  # while it is written sizes are open
        return maps
    return F.interpolate(maps, size=tuple(size), mode='bilinear',
                         align_corners=align)
