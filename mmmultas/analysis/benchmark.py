"""Images per second: of a network, and of its data."""
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from mmcv.cnn import fuse_conv_bn
from mmdet.structures import DetDataSample

from mmmultas.engine.streams import Stream, build_eval_loader, check_streams
from mmmultas.models.multitask import MultiTaskDetSeg
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress

__all__ = ['Speed', 'benchmark_loader', 'benchmark_model', 'fused']


class Speed(NamedTuple):
    """Images per second.

    Attributes:
        rates: One per repeat.
        images: Images in each repeat.
    """
    rates: list[float]
    images: int

    @property
    def median(self) -> float:
        """The figure to quote."""
        return statistics.median(self.rates)

    def __str__(self) -> str:
        return (f'{self.median:.2f} images/s (median of {len(self.rates)} x '
                f'{self.images} images, {min(self.rates):.2f} to '
                f'{max(self.rates):.2f}), '
                f'{1000 / self.median:.2f} ms per image')


def benchmark_model(model: MultiTaskDetSeg,
                    size: tuple[int, int],
                    batch_size: int = 1,
                    batches: int = 20,
                    repeats: int = 5,
                    warmup: int = 5) -> Speed:
    """Speed of prediction: preprocessing, network, NMS and resizing.

    Args:
        model: The model on its device.
        size: Height and width of the random images, in pixels.
        batch_size: Images that pass together.
        batches: Batches timed in each repeat.
        repeats: Repeats; their median is the result.
        warmup: Batches before the first repeat, not timed.
    """
    _check(batch_size=batch_size, batches=batches, repeats=repeats)
    device = next(model.parameters()).device
    model.eval()

    def step() -> None:
        # the model writes into its samples: each batch gets new ones
        with torch.no_grad():
            model.test_step(_noise(size, batch_size))
        if device.type == 'cuda':
            torch.cuda.synchronize(device)

    return _timed(step, batch_size, batches, repeats, warmup)


def benchmark_loader(cfg: Mapping[str, Any],
                     split: str,
                     name: str,
                     batches: int = 20,
                     repeats: int = 3,
                     warmup: int = 5) -> Speed:
    """Speed of one stream of data, with the workers of its config.

    Args:
        cfg: The config.
        split: ``train``, ``val`` or ``test``.
        name: Name of the stream.
        batches: Batches timed in each repeat; evaluation starts anew where
            it ends.
        repeats: Repeats; their median is the result.
        warmup: Batches before the first repeat, not timed: workers start
            and fill their queues.

    Raises:
        ConfigError: No such stream.
    """
    _check(batches=batches, repeats=repeats)
    key = f'{split}_dataloader'
    check_streams(key, cfg.get(key))
    stream = cfg[key].get(name)
    if stream is None:
        known = sorted(k for k, v in cfg[key].items() if v is not None)
        raise ConfigError(f'`{key}` has no stream {name!r}: it has {known}.')
    if split == 'train':
        source: Any = Stream(name, dict(stream), 0)
        source.seek(0)
    else:
        source = _Endless(build_eval_loader(key, name, stream, 0))
    seen = 0

    def step() -> None:
        nonlocal seen
        seen += len(next(source)['inputs'])

    for _ in range(warmup):
        step()
    rates, counts = [], []
    for _ in progress(range(repeats), what=f'{split} {name}'):
        seen, start = 0, time.perf_counter()
        for _ in range(batches):
            step()
        rates.append(seen / (time.perf_counter() - start))
        counts.append(seen)
    return Speed(rates, counts[0])


def fused(model: MultiTaskDetSeg, size: tuple[int, int]) -> MultiTaskDetSeg:
    """Fold batch norm into the convolutions before it.

    Args:
        model: Changed in place.
        size: Height and width of an image on which the outputs are
            compared.

    Raises:
        ConfigError: The fused network computes something else.
    """
    model.eval()
    parameter = next(model.parameters())
    image = torch.rand(1, 3, *size).to(parameter.device)
    with torch.no_grad():
        before = _flat(model.raw_outputs(model.encode(image)))
        fuse_conv_bn(model)
        after = _flat(model.raw_outputs(model.encode(image)))
    scale = max(float(x.abs().max()) for x in before)
    gap = max(float((x - y).abs().max()) for x, y in zip(before, after))
    if not gap <= 1e-3 * max(scale, 1.0):
        raise ConfigError(
            'Convolutions and batch norm cannot be fused in this model: its '
            f'outputs change by up to {gap:.2g}; leave --fuse-conv-bn out.')
    return model


class _Endless:
    """A loader that starts again where it ends."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.batches = iter(loader)

    def __next__(self) -> Any:
        try:
            return next(self.batches)
        except StopIteration:
            self.batches = iter(self.loader)
            return next(self.batches)


def _timed(step: Callable[[], None], images: int, batches: int, repeats: int,
           warmup: int) -> Speed:
    for _ in range(warmup):
        step()
    rates = []
    for _ in progress(range(repeats), what='measure'):
        start = time.perf_counter()
        for _ in range(batches):
            step()
        rates.append(images * batches / (time.perf_counter() - start))
    return Speed(rates, images * batches)


def _noise(size: tuple[int, int], count: int) -> dict[str, Any]:
    meta = dict(
        img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0), tasks=())
    return dict(
        inputs=[
            torch.randint(0, 256, (3, *size), dtype=torch.uint8)
            for _ in range(count)
        ],
        data_samples=[DetDataSample(metainfo=meta) for _ in range(count)])


def _flat(outputs: Any) -> list[torch.Tensor]:
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    parts = outputs.values() if isinstance(outputs, Mapping) else outputs
    return [tensor for part in parts for tensor in _flat(part)]


def _check(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ConfigError(f'`{name}` is at least 1, not {value}.')
