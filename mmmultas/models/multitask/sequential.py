"""A backward per stream, one step: the memory of one stream at a time."""
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmdet.structures import SampleList
from torch import Tensor

from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.finite import NonFiniteLossError

__all__ = ['sequential_step']


def sequential_step(model: Any, data: Mapping[str, Any],
                    optim_wrapper: Any) -> dict[str, Tensor]:
    """One update in which each stream is propagated on its own.

    The activations of a stream are freed before the next one enters. The
    gradients are those of the joint backward, since no task is labelled in
    two streams and so every loss has its whole count at hand.

    Args:
        model: A ``MultiTaskDetSeg``.
        data: A collated batch per stream.
        optim_wrapper: Counts the update once, also when it accumulates.

    Returns:
        dict: What ``train_step`` returns, of all streams.

    Raises:
        ConfigError: A task is labelled in two streams.
    """
    with optim_wrapper.optim_context(model):
        batches = model.data_preprocessor(data, True)
    inputs, samples = batches['inputs'], batches['data_samples']
    _check_tasks(model.tasks, samples)
    log_vars: dict[str, Tensor] = {}
    total: Any = 0.0
    before = deepcopy(model.balancer.state_dict())
    for name in inputs:
        with optim_wrapper.optim_context(model):
            losses = model.loss({name: inputs[name]}, {name: samples[name]})
        try:
            loss, terms = model.parse_losses(losses)
        except NonFiniteLossError:
            # what streams before it taught is of an update that is dropped
            model.balancer.load_state_dict(before)
            raise
        # as the log has it: before a balancer weighs
        total = total + terms['loss'].detach()
        log_vars.update(terms)
        optim_wrapper.backward(optim_wrapper.scale_loss(loss))
        # one update, however many streams
        optim_wrapper._inner_count -= 1
    optim_wrapper._inner_count += 1
    if optim_wrapper.should_update():
        optim_wrapper.step()
        optim_wrapper.zero_grad()
    return dict(log_vars, loss=total)


def _check_tasks(tasks: Mapping[str, Any],
                 samples: Mapping[str, SampleList]) -> None:
    for task in tasks:
        streams = [
            name for name, part in samples.items()
            if any(has_task(sample, task) for sample in part)
        ]
        if len(streams) > 1:
            raise ConfigError(
                f'`model.sequential` propagates streams one by one, but '
                f'{task!r} is labelled in several of them '
                f'({", ".join(streams)}), and its loss has one mean over '
                'all: join these data sets in one stream, or set '
                '`model.sequential=False`.')
