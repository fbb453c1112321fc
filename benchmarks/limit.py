#!/usr/bin/env python
"""How much of an update are its convolutions?

Every convolution of a joint update is timed alone, forward and backward, in
the memory order and by the kernel that is fastest for it; nothing that a
network of these convolutions does takes less than their sum. Updates and
sums take turns in one process, in float32 and in bfloat16.

    python benchmarks/limit.py [--models ...] [--out FILE]
"""
import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from timing import interleave, ratio, set_up, summarise, write_report
from torch.overrides import TorchFunctionMode
from train_step import MODELS_OF, Bench

from mmmultas.functional.convolution import depthwise_conv2d

_ORDERS = dict(
    contiguous=torch.contiguous_format, channels_last=torch.channels_last)
_NAMES = ('input', 'weight', 'bias', 'stride', 'padding', 'dilation',
          'groups')


class Conv(NamedTuple):
    """What decides how long a convolution takes."""
    image: tuple[int, ...]
    weight: tuple[int, ...]
    bias: bool
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


class Recorder(TorchFunctionMode):
    """Counts the convolutions that are called within its scope."""

    def __init__(self) -> None:
        super().__init__()
        self.convs: Counter[Conv] = Counter()

    def __torch_function__(self, function: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        given = dict(zip(_NAMES, args), **(kwargs or {}))
        if getattr(function, '__name__', '') == 'conv2d':
            self.convs[Conv(
                tuple(given['input'].shape), tuple(given['weight'].shape),
                given.get('bias') is not None,
                *(_pair(given.get(name, default)) for name, default in
                  (('stride', 1), ('padding', 0), ('dilation', 1))),
                given.get('groups', 1))] += 1
        return function(*args, **(kwargs or {}))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def alone(conv: Conv, dtype: torch.dtype, order: str,
          ours: bool) -> Callable[[], None]:
    """One convolution forward and backward."""
    memory_format = _ORDERS[order]

    def drawn(shape: tuple[int, ...]) -> torch.Tensor:
        values = torch.randn(shape).to(dtype)
        return values.contiguous(memory_format=memory_format)

    # the image itself needs no gradient
    image = drawn(conv.image).requires_grad_(conv.image[1] != 3)
    weight = drawn(conv.weight).requires_grad_()
    bias = torch.randn(conv.weight[0]).to(dtype) if conv.bias else None
    rows, columns = conv.padding

    def forward() -> torch.Tensor:
        if ours:
            return depthwise_conv2d(image, weight, conv.stride,
                                    (columns, columns, rows, rows))
        return F.conv2d(image, weight, bias, *conv[3:])

    grad = torch.ones_like(forward())

    def run() -> None:
        image.grad = weight.grad = None
        forward().backward(grad)

    return run


def fastest(conv: Conv, dtype: torch.dtype) -> Callable[[], None]:
    """The fastest way of three turns each."""
    depthwise = conv.groups == conv.weight[0] > 1 and not conv.bias
    runs = [
        alone(conv, dtype, order, ours) for order in _ORDERS
        for ours in ((False, True) if depthwise else (False, ))
    ]

    def seconds(run: Callable[[], None]) -> float:
        run()
        spent = []
        for _ in range(3):
            start = time.process_time()
            run()
            spent.append(time.process_time() - start)
        return min(spent)

    return min(runs, key=seconds)


def all_of(convs: Counter[Conv], dtype: torch.dtype) -> Callable[[], None]:
    """All convolutions of an update, one after the other."""
    runs = [(fastest(conv, dtype), count) for conv, count in convs.items()]

    def run() -> None:
        for one, count in runs:
            for _ in range(count):
                one()

    return run


def measure(name: str, args: Any) -> dict[str, Any]:
    """Times of one model, and the shares that have goals."""
    bench = Bench(name, args.batch)
    forms = bench.forms()
    with Recorder() as recorder:
        forms['joint']()
    variants = {
        'float32': forms['joint'],
        'float32 convolutions': all_of(recorder.convs, torch.float32),
        'bfloat16': forms['bf16'],
        'bfloat16 convolutions': all_of(recorder.convs, torch.bfloat16)
    }
    times = interleave(variants, args.repeats, what=name)
    return dict(
        images_per_task=bench.count,
        convolutions=sum(recorder.convs.values()),
        times=summarise(times),
        share={
            dtype: ratio(times, [f'{dtype} convolutions'], [dtype])
            for dtype in ('float32', 'bfloat16')
        },
        bf16_over_fp32=ratio(times, ['bfloat16'], ['float32']))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--models', nargs='+', default=['rn18', 'efflite0'],
        choices=list(MODELS_OF))
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, help='images of each task')
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('limit', log_level='ERROR')
    set_up(args.threads)
    write_report(args.out, {n: measure(n, args) for n in args.models})


if __name__ == '__main__':
    main()
