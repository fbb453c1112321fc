"""Masks out of a classifier: the seeds of CAM and ReCAM, as files."""
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.datasets.mask_folder import MaskFolder, MaskMaker
from mmmultas.datasets.writing import Track, silent, write_json
from mmmultas.evaluation.tables import score_text, text_table
from mmmultas.functional.class_maps import (class_seeds, cut_to_boxes,
                                            joined_views, scaled_maps,
                                            uncertain_seeds)
from mmmultas.functional.confusion import (confusion_counts,
                                           segmentation_scores)
from mmmultas.models import CAMClassifier
from mmmultas.models.companions.label_spaces import NO_CLASS
from mmmultas.registry import DATASETS
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.run_files import chosen_checkpoint

from .saved_model import SavedModel, load_saved_model

__all__ = ['SeedOptions', 'SeedQuality', 'SeedMaker', 'judge_seeds',
           'write_pseudo_masks']

#: How good the masks of a folder are.
REPORT = 'quality.json'
_IGNORE = 255


@dataclass(frozen=True)
class SeedOptions:
    """How masks are made of class activation maps.

    Attributes:
        background: Share of a map's highest value below which a pixel is
            background; None: what the head says.
        uncertain: ``(low, high)`` instead: background below the first, an
            object above the second, ignored between.
        boxes: Whether maps end at the boxes of their class.
        scales: Sizes of the image at which it is looked at, and mirrored,
            over that of the test pipeline.
    """
    background: float | None = None
    uncertain: tuple[float, float] | None = None
    boxes: bool = False
    scales: tuple[float, ...] = (1.0, 0.5, 1.5, 2.0)


@dataclass(frozen=True)
class SeedQuality:
    """Masks against those that somebody drew.

    Attributes:
        stream: Config key of the images.
        images: Their number.
        labelled: Share of the pixels that the masks label.
        right: Share of these that are right.
        mean_iou: Mean over the classes that are there, on these.
        iou: Class → IoU; None where it is neither in the truth nor found.
    """
    stream: str
    images: int
    labelled: float
    right: float
    mean_iou: float
    iou: Mapping[str, float | None]

    def text(self) -> str:
        """A table, and what it was measured on."""
        rows = [(name, score_text(100 * value))
                for name, value in self.iou.items() if value is not None]
        table = text_table(('class', 'IoU'), [
            *rows, (f'mean of {len(rows)}', score_text(100 * self.mean_iou))])
        return (f'{self.images} images of `{self.stream}`, their classes '
                f'known: {100 * self.labelled:.1f} % of the pixels are '
                f'labelled, {100 * self.right:.1f} % of these rightly.\n'
                f'{table}')


class SeedMaker:
    """Makes the masks of records whose classes are known.

    Args:
        saved: A :class:`CAMClassifier`.
        pixel: The pixel class of each box class, -1 for none.
        options: How.
    """

    def __init__(self, saved: SavedModel, pixel: Sequence[int],
                 options: SeedOptions) -> None:
        self.model: Any = saved.model
        self.head = self.model.heads[self.model.masks]
        self.pixel = pixel
        self.options = options
        # the maps do not move with the labels: these are read, not resized
        with DefaultScope.overwrite_default_scope('mmdet'):
            self._load = Compose([saved.load_image])
            self._geometry = Compose(saved.geometry)
            self._pack = Compose([dict(type='mmmultas.PackInputs')])

    def image(self, record: Mapping[str, Any]) -> NDArray[np.uint8]:
        """The picture of a record, (H, W, 3) BGR."""
        loaded = self._load(dict(img_path=record['img_path']))
        return np.asarray(loaded['img'])

    def of_boxes(self, record: Mapping[str, Any],
                 image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The mask of a record of boxes, (H, W), 255 for what is ignored.

        What lies in a box that is to be ignored is no background.
        """
        things = [(t['bbox'], self.pixel[t['bbox_label']], t['ignore_flag'])
                  for t in record['instances']]
        seen = [(box, k) for box, k, skip in things
                if k != NO_CLASS and not skip]
        mask = self.of_classes(image, [k for _, k in seen],
                               [box for box, _ in seen])
        for (x1, y1, x2, y2), k, skip in things:
            if skip and k != NO_CLASS:
                part = mask[max(round(y1), 0):round(y2),
                            max(round(x1), 0):round(x2)]
                part[part == 0] = _IGNORE
        return mask

    def of_classes(self, image: NDArray[np.uint8], classes: Iterable[int],
                   boxes: Sequence[Sequence[float]] = ()
                   ) -> NDArray[np.uint8]:
        """The mask of an image that shows some pixel classes, (H, W).

        Args:
            image: (H, W, 3) BGR.
            classes: Pixel classes, one of each box where there are boxes.
            boxes: Corners in pixels.
        """
        each = list(classes)
        shown = sorted(set(each))
        if not shown:
            return np.zeros(image.shape[:2], np.uint8)
        maps = self._maps(image, [k - 1 for k in shown])
        if self.options.boxes:
            maps = cut_to_boxes(maps, boxes, [shown.index(k) for k in each])
        maps = scaled_maps(maps[None])[0]
        if self.options.uncertain is not None:
            seeds = uncertain_seeds(maps, *self.options.uncertain)
        else:
            seeds = class_seeds(maps, self.background)
        table = np.zeros(256, np.uint8)
        table[1:len(shown) + 1] = shown
        table[_IGNORE] = _IGNORE
        return np.asarray(table[seeds.cpu().numpy()])

    @property
    def background(self) -> float:
        """The height of the background's map."""
        given = self.options.background
        return self.head.background if given is None else given

    @torch.no_grad()
    def _maps(self, image: NDArray[np.uint8], channels: list[int]) -> Tensor:
        """Sums over scales and both mirror images, (len(channels), H, W)."""
        size = (image.shape[0], image.shape[1])
        results = dict(img=image, img_shape=size, ori_shape=size, tasks=(),
                       scale_factor=(1.0, 1.0), img_path='')
        base = self._geometry(dict(results))['img']
        total: Any = 0.0
        for scale in self.options.scales:
            view = base if scale == 1 else _resized(
                image, base.shape[0] * scale, base.shape[1] * scale)
            both = [self._pack(dict(results, img=np.ascontiguousarray(one)))
                    for one in (view, view[:, ::-1])]
            batch = self.model.data_preprocessor(
                {key: [one[key] for one in both] for key in both[0]})
            feats = self.model.encode(batch['inputs'])
            total = total + joined_views(
                self.head(feats)[:, channels].float(), size)
        return total


def write_pseudo_masks(cfg: Mapping[str, Any],
                       checkpoint: str | Path,
                       out: str | Path,
                       stream: str,
                       options: SeedOptions,
                       judged: str | None = None,
                       number: int = 200,
                       device: str | None = None,
                       track: Track = silent
                       ) -> tuple[MaskFolder, SeedQuality | None]:
    """Write a mask for every image of a training stream of boxes.

    Masks that are whole stay, so that an interrupted call goes on. Labels
    that a stream does not announce are never read.

    Args:
        cfg: The classifier's config.
        checkpoint: Its checkpoint, or the folder of its run.
        out: Folder of ``<image>.png``, ``made_from.json`` and
            ``quality.json``.
        stream: Name of the training stream of boxes.
        options: How masks are made.
        judged: Config key of a stream with masks, on which they are judged.
        number: Images of it, spread over all.
        device: For example ``cuda:0``; by default a GPU if there is one.
        track: Wraps what the loops run over.

    Raises:
        ConfigError: Another network, no such stream, no shared class.
        DataError: The folder holds masks of other data or settings.
    """
    path = chosen_checkpoint(checkpoint)
    saved = load_saved_model(path, cfg, device)
    if not isinstance(saved.model, CAMClassifier):
        raise ConfigError(
            f'{path} holds a {type(saved.model).__name__}, whose maps are no '
            'class activation maps: train a config of configs/cam/ first.')
    maker = MaskMaker(cfg, stream, out)
    pixel = saved.model.match_classes(maker.boxes, maker.masks)
    seeds = SeedMaker(saved, pixel, options)
    data = None if judged is None else _data_to_judge(cfg, judged,
                                                      options.boxes)
    settings = asdict(options) | dict(
        background=None if options.uncertain else seeds.background,
        weights=hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    maker.begin(dict(maps=settings), 'this classifier')
    written, count = 0, len(maker.paths)
    for index in track(range(count), total=count, what='masks'):
        record = maker.record(index)
        image = seeds.image(record)
        if maker.is_there(index, (image.shape[0], image.shape[1])):
            continue
        maker.write(index, seeds.of_boxes(record, image))
        written += 1
    folder = MaskFolder(written, count - written, tuple(
        name for name, k in zip(maker.boxes, pixel) if k == NO_CLASS),
        maker.unlabelled)
    if judged is None:
        return folder, None
    quality = judge_seeds(seeds, judged, data, number, track)
    write_json(maker.out / REPORT, asdict(quality))
    return folder, quality


def judge_seeds(seeds: SeedMaker, key: str, data: Any, number: int,
                track: Track = silent) -> SeedQuality:
    """Compare masks with those that somebody drew.

    Args:
        seeds: Makes the masks.
        key: What the data set is called.
        data: A data set with masks.
        number: Images, spread over all.
        track: Wraps what the loop runs over.
    """
    names = data.metainfo[SEG]['classes']
    with DefaultScope.overwrite_default_scope('mmdet'):
        read = Compose([dict(type='mmmultas.LoadImage'),
                        dict(type='mmmultas.LoadLabels'),
                        dict(type='mmmultas.PackInputs')])
    chosen = np.linspace(0, len(data) - 1, min(number, len(data)))
    counts = torch.zeros(len(names), len(names), dtype=torch.long)
    pixels = 0
    for index in track(chosen.round().astype(int).tolist(),
                       total=len(chosen), what='judged'):
        record = data.get_data_info(index)
        truth = read(dict(record))['data_samples'].gt_sem_seg.sem_seg[0].long()
        found = torch.from_numpy(_judged(seeds, record, truth)).long()
        pixels += int((truth != _IGNORE).sum())
        truth[found == _IGNORE] = _IGNORE
        counts += confusion_counts(found.where(truth != _IGNORE, 0), truth,
                                   len(names))
    iou, _, right = segmentation_scores(counts)
    return SeedQuality(
        key, len(chosen), int(counts.sum()) / max(pixels, 1), float(right),
        float(iou.nanmean()),
        {n: None if v != v else round(v, 4)
         for n, v in zip(names, iou.tolist())})


def _data_to_judge(cfg: Mapping[str, Any], key: str, boxes: bool) -> Any:
    """A data set with the labels by which masks are judged.

    Raises:
        ConfigError: No such stream, or it lacks a label.
    """
    split, _, name = key.partition('.')
    loader = (cfg.get(split) or {}).get(name)
    if loader is None:
        raise ConfigError(f'The config has no stream `{key}` to judge masks '
                          'on: name another one, or none.')
    data = DATASETS.build(loader['dataset'])
    data.full_init()
    tasks, needed = data.metainfo['tasks'], [SEG] + [DET] * boxes
    if not set(needed) <= set(tasks):
        raise ConfigError(
            f'`{key}` carries {", ".join(tasks) or "no label"}, and to judge '
            f'these masks takes {" and ".join(needed)}: name another stream, '
            'or none.')
    return data


def _judged(seeds: SeedMaker, record: Mapping[str, Any],
            truth: Tensor) -> NDArray[np.uint8]:
    """The mask of an image whose classes its boxes or its mask say."""
    image = seeds.image(record)
    if DET in record['tasks']:
        return seeds.of_boxes(record, image)
    shown = [k for k in truth.unique().tolist() if 0 < k < _IGNORE]
    return seeds.of_classes(image, shown)


def _resized(image: NDArray[np.uint8], height: float,
             width: float) -> NDArray[np.uint8]:
    """At another size, at least a cell of a feature map."""
    size = max(round(width), 32), max(round(height), 32)
    smaller = size[0] < image.shape[1]
    return np.asarray(cv2.resize(
        image, size,
        interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))
