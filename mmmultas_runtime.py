"""Run an exported model: numpy and onnxruntime, no PyTorch.

One file, which may be copied beside a program. Pictures are read by OpenCV
or Pillow, whichever is there; arrays need neither.

    from mmmultas_runtime import Model
    model = Model('model.onnx')
    found = model('cat.jpg')
    print(found['names'], found['bboxes'], found['seg_map'].shape)
"""
import json
import os
from pathlib import Path

import numpy as np

__all__ = ['Model', 'RuntimeFileError', 'to_detections']

#: Versions of the metadata that this file reads.
FORMATS = (1, )
#: Tried in this order; TensorRT would build an engine per picture size.
PROVIDERS = ('CUDAExecutionProvider', 'CPUExecutionProvider')
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
VIDEOS = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.webm')


class RuntimeFileError(ValueError):
    """A file that cannot be used; the message says what to do."""


class Model:
    """An exported model.

    Args:
        path: The ONNX file that ``mmmultas export`` wrote.
        score_thr: Boxes under this score are left out; None: those that the
            model itself leaves out.
        threads: Of one operator; 0 for all cores.
        providers: Where it runs, by onnxruntime's names; None: a GPU by CUDA
            if this onnxruntime has it, else the CPU. ``session`` tells where
            it does (``get_providers()``).

    Raises:
        RuntimeFileError: No such file, a file of another tool, or no
            onnxruntime.
    """

    def __init__(self, path, score_thr=None, threads=0, providers=None):
        try:
            import onnxruntime
        except ImportError as error:
            raise RuntimeFileError(
                'mmmultas_runtime needs onnxruntime: run `pip install '
                'onnxruntime` (or onnxruntime-gpu).') from error
        if not Path(path).is_file():
            raise RuntimeFileError(f'{path} does not exist.')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options,
                providers=providers or [
                    one for one in PROVIDERS
                    if one in onnxruntime.get_available_providers()])
        except Exception as error:  # it has no class of its own for this
            raise RuntimeFileError(
                f'{path} cannot be read as ONNX ({str(error)[:120]}): export '
                'the model again.') from error
        self.meta = _metadata(self.session, path)
        #: Task → kind, classes, palette, unit.
        self.tasks = self.meta['tasks']
        self.size = tuple(self.meta['size'])
        self.score_thr = score_thr
        self._names = [output.name for output in self.session.get_outputs()]

    def __call__(self, images, batch_size=8):
        """Predict.

        Args:
            images: A picture: a path or an (H, W, 3) uint8 BGR array; or
                many: a list of such, a folder, a video.
            batch_size: Pictures that pass a core (``--raw``) together.

        Returns:
            A dict for one picture, else a list of dicts: ``path`` (None for
            an array), ``frame`` (of a video, else None), ``height``,
            ``width``; of a detector 'det' ``bboxes`` (M, 4) float32 xyxy in
            the picture's pixels, ``scores`` (M,), ``labels`` (M,) int64 and
            ``names``, best score first; of a segmenter 'seg' ``seg_map``
            (H, W); ``boxes`` of further detectors and ``maps`` of further
            tasks, by name.

        Raises:
            RuntimeFileError: A picture that cannot be read.
        """
        if isinstance(images, np.ndarray):
            return self._many([(None, None, images)], batch_size)[0]
        if isinstance(images, (str, os.PathLike)):
            path = Path(images)
            if path.is_dir():
                files = sorted(p for p in path.rglob('*')
                               if p.suffix.lower() in PICTURES)
                return self._many(((str(p), None, read(p)) for p in files),
                                  batch_size)
            if path.suffix.lower() in VIDEOS:
                return self._many(_frames(path), batch_size)
            return self._many([(str(path), None, read(path))], batch_size)[0]
        return self._many(
            ((None, None, one) if isinstance(one, np.ndarray) else
             (str(one), None, read(one)) for one in images), batch_size)

    def _many(self, sources, batch_size):
        found, batch = [], []
        limit = batch_size if self.meta['form'] == 'raw' else 1
        for source in sources:
            batch.append(source)
            if len(batch) == limit:
                found += self._batch(batch)
                batch = []
        return found + (self._batch(batch) if batch else [])

    def _batch(self, batch):
        """Predictions of some pictures."""
        for _, _, image in batch:
            check_picture(image)
        if self.meta['form'] == 'raw':
            inputs = np.concatenate([self.prepared(x) for _, _, x in batch])
            outs = dict(zip(self._names,
                            self.session.run(None, {'images': inputs})))
            outputs = [self._chosen({k: v[i] for k, v in outs.items()},
                                    x.shape[:2])
                       for i, (_, _, x) in enumerate(batch)]
        else:
            outputs = [dict(zip(self._names,
                                self.session.run(None, {'image': x})))
                       for _, _, x in batch]
        return [self._plain(out, *source)
                for out, source in zip(outputs, batch)]

    def prepared(self, image):
        """A picture (H, W, 3) uint8 BGR as the core takes it."""
        x = resize_picture(image, self.size).astype(np.float32)
        if self.meta['bgr_to_rgb']:
            x = x[..., ::-1]
        x = (x - np.float32(self.meta['mean'])) / np.float32(
            self.meta['std'])
        height, width = self.meta['padded']
        padded = np.full((1, 3, height, width), self.meta['pad_value'],
                         np.float32)
        padded[0, :, :self.size[0], :self.size[1]] = x.transpose(2, 0, 1)
        return padded

    def _chosen(self, outs, shape):
        """What the end-to-end form says, from what the core says."""
        found = {}
        for task, meta in self.tasks.items():
            if meta['kind'] == 'boxes':
                found.update(self._suppressed(task, meta['nms'], outs, shape))
                continue
            maps = outs[f'{task}_map'].transpose(1, 2, 0)
            rows, columns = self.meta['padded']
            if meta.get('overshoots'):
                maps = maps[:rows, :columns]
            maps = resize(maps, (rows, columns), meta['align_corners'])
            maps = _meant(meta['kind'], maps)
            maps = resize(maps[:self.size[0], :self.size[1]], shape,
                          meta['align_corners'])
            if meta['kind'] == 'normals':
                maps = _meant('normals', maps)
            if meta['kind'] != 'classes':
                found[f'{task}_map'] = maps.transpose(2, 0, 1)
            elif maps.shape[2] == 1:
                cut = meta.get('threshold', 0.5)
                found[f'{task}_map'] = (_sigmoid(maps[..., 0]) > cut).astype(
                    np.int64)
            else:
                found[f'{task}_map'] = maps.argmax(2)
        return found

    def _suppressed(self, task, cfg, outs, shape):
        scores, boxes = outs[f'{task}_scores'], outs[f'{task}_bboxes']
        flat = scores.reshape(-1)
        index = np.flatnonzero(flat > cfg['score_thr'])
        index = index[np.argsort(-flat[index], kind='stable')]
        index = index[:cfg['nms_pre']]
        labels = index % scores.shape[1]
        height, width = self.size
        boxes = boxes[index // scores.shape[1]].clip(
            0, np.float32([width, height] * 2))
        apart = boxes + (labels * (max(height, width) + 1.0))[:, None]
        keep = suppress(apart, cfg['iou_threshold'])[:cfg['max_per_img']]
        scale = np.float32([shape[1] / width, shape[0] / height] * 2)
        return {f'{task}_bboxes': boxes[keep] * scale,
                f'{task}_scores': flat[index][keep],
                f'{task}_labels': labels[keep]}

    def _plain(self, out, path, frame, image):
        height, width = image.shape[:2]
        result = dict(path=path, frame=frame, height=height, width=width)
        for task, meta in self.tasks.items():
            if meta['kind'] == 'boxes':
                boxes = self._boxes(task, meta, out)
                if task == 'det':
                    result.update(boxes)
                else:
                    result.setdefault('boxes', {})[task] = boxes
                continue
            values = out[f'{task}_map']
            if meta['kind'] == 'classes':
                small = len(meta['classes']) <= 256
                values = values.astype(np.uint8 if small else np.int64)
            elif values.shape[0] == 1:
                values = values[0]
            else:
                values = values.transpose(1, 2, 0)
            if task == 'seg':
                result['seg_map'] = values
            else:
                result.setdefault('maps', {})[task] = values
        return result

    def _boxes(self, task, meta, out):
        scores = out[f'{task}_scores']
        keep = scores >= (self.score_thr or 0.0)
        labels = out[f'{task}_labels'][keep].astype(np.int64)
        return dict(
            bboxes=out[f'{task}_bboxes'][keep].astype(np.float32),
            scores=scores[keep].astype(np.float32),
            labels=labels,
            names=[meta['classes'][label] for label in labels])


def to_detections(found, task='det'):
    """Boxes of a prediction as ``supervision.Detections``.

    Args:
        found: What a :class:`Model` says of one picture.
        task: The detector's name.
    """
    from supervision import Detections
    boxes = found if task == 'det' else found['boxes'][task]
    return Detections(
        xyxy=boxes['bboxes'], confidence=boxes['scores'],
        class_id=boxes['labels'], data=dict(class_name=np.array(
            boxes['names'])))


def read(path):
    """A picture as (H, W, 3) uint8 BGR.

    Raises:
        RuntimeFileError: It cannot be read.
    """
    if not Path(path).is_file():
        raise RuntimeFileError(f'{path} does not exist.')
    try:
        import cv2
    except ImportError:
        return _read_pillow(path)
    data = np.fromfile(str(path), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise RuntimeFileError(f'{path} cannot be decoded as a picture.')
    return image


def _read_pillow(path):
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise RuntimeFileError('Reading pictures needs OpenCV or Pillow: run '
                               '`pip install pillow`, or give arrays.'
                               ) from error
    try:
        image = ImageOps.exif_transpose(Image.open(path))
        if image.mode.startswith('I'):  # 16 bits, which RGB would clip
            grey = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
            return np.repeat(grey[..., None], 3, 2)
        image = image.convert('RGB')
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise RuntimeFileError(
            f'{path} cannot be decoded as a picture.') from error
    return np.ascontiguousarray(np.asarray(image)[..., ::-1])


def check_picture(image):
    """Raise RuntimeFileError unless it is (H, W, 3) uint8."""
    if (image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8
            or 0 in image.shape):
        raise RuntimeFileError(
            'A picture is an (H, W, 3) uint8 array in BGR order, not empty; '
            f'this one is {image.shape} {image.dtype}.')


def _frames(path):
    try:
        import cv2
    except ImportError as error:
        raise RuntimeFileError('Videos need OpenCV: run `pip install '
                               'opencv-python-headless`.') from error
    video, number = cv2.VideoCapture(str(path)), 0
    while True:
        there, image = video.read()
        if not there:
            break
        yield str(path), number, image
        number += 1
    if not number:
        raise RuntimeFileError(f'{path} cannot be decoded as a video.')


def resize(maps, size, align_corners=False):
    """Maps (H, W, C) float32 at another size, bilinear.

    Places lie at the centres of pixels, or with ``align_corners`` at their
    corners, as PyTorch has it.
    """
    for axis in (0, 1):
        old, new = maps.shape[axis], int(size[axis])
        if old == new:
            continue
        if align_corners:
            place = np.arange(new) * ((old - 1) / max(new - 1, 1))
        else:
            place = (np.arange(new) + 0.5) * (old / new) - 0.5
        place = place.clip(0, old - 1)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, old - 1)
        share = (place - low).astype(np.float32)
        share = share.reshape([-1 if i == axis else 1 for i in range(3)])
        maps = (np.take(maps, low, axis) * (1 - share) +
                np.take(maps, high, axis) * share)
    return maps


def resize_picture(image, size):
    """A picture (H, W, 3) uint8 at another size: OpenCV's bilinear resize.

    OpenCV computes with 11 bits; anything else is off by a grey level in
    every eighth pixel.
    """
    y0, y1, b0, b1 = _taps(image.shape[0], size[0], False)
    x0, x1, a0, a1 = _taps(image.shape[1], size[1], True)
    a0, a1 = a0[None, :, None], a1[None, :, None]
    total = 2
    for rows, share in ((y0, b0), (y1, b1)):
        part = image[rows].astype(np.int32)
        part = part[:, x0] * a0 + part[:, x1] * a1
        total = total + ((share[:, None, None] * (part >> 4)) >> 16)
    return (total >> 2).astype(np.uint8)


def _taps(old, new, stops):
    """Where each new place reads along an axis, and 2048 times how much."""
    place = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    low = np.floor(place)
    share = place - low
    if stops:  # columns beyond the border count once
        outside = (low < 0) | (low >= old - 1)
        share = np.where(outside, np.float32(0), share)
    low = low.astype(np.int64)
    high = (low + 1).clip(0, old - 1)
    one = np.rint(share * np.float32(2048)).astype(np.int32)
    zero = np.rint((1 - share) * np.float32(2048)).astype(np.int32)
    return low.clip(0, old - 1), high, zero, one


def suppress(boxes, threshold):
    """Indices of boxes (M, 4), best first, that no better one covers."""
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    rest, keep = np.arange(len(boxes)), []
    while len(rest):
        best, rest = rest[0], rest[1:]
        keep.append(best)
        width = np.minimum(x2[best], x2[rest]) - np.maximum(
            x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(
            y1[best], y1[rest])
        shared = width.clip(0) * height.clip(0)
        union = areas[best] + areas[rest] - shared
        rest = rest[shared <= threshold * union]
    return np.array(keep, np.int64)


def _meant(kind, maps):
    """What raw maps (H, W, C) of a kind predict."""
    if kind == 'depth':
        return maps.clip(0)
    if kind == 'normals':
        length = np.sqrt((maps * maps).sum(2, keepdims=True))
        return maps / np.maximum(length, 1e-12)
    if kind in ('edges', 'saliency'):
        return _sigmoid(maps)
    return maps


def _sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float32)))


def _metadata(session, path):
    text = session.get_modelmeta().custom_metadata_map.get('mmmultas')
    if text is None:
        raise RuntimeFileError(
            f'{path} was not written by `mmmultas export`: it does not say '
            'what its outputs mean. Export the checkpoint with it.')
    meta = json.loads(text)
    if meta.get('format') not in FORMATS:
        raise RuntimeFileError(
            f'{path} has the format {meta.get("format")}, and this '
            f'mmmultas_runtime reads {FORMATS}: take the one of version '
            f'{meta.get("version")}.')
    return meta
