"""Each head once, on the images that anybody asks for; heads may read heads.

A head reads the neck's levels, or what other heads put out on the way:
``heads.det.inputs = ('neck', 'seg.decoder')``. Losses, other heads and
companions (teachers, consistency) then share one pass.
"""
from collections.abc import (Callable, Collection, Iterable, Iterator, Mapping,
                             Sequence)
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from mmdet.structures import SampleList
from torch import Tensor, nn

from mmmultas.utils.errors import ConfigError

from ..rows import take_rows
from ..tasks.base import Levels, Read, Task
from .head_inputs import (HeadInput, check_inputs, graded, levels_of, ordered,
                          weighed)
from .taps import OUTPUTS, output_tap

__all__ = ['HeadGraph', 'HeadOutputs', 'HeadPass', 'Rows']

#: Stream → positions in its batch.
Rows = Mapping[str, Collection[int]]


@dataclass(frozen=True)
class HeadPass:
    """One pass of a head over images of one size.

    Attributes:
        places: Stream and position in its batch of each of the N images.
        read: Levels, and raw outputs where somebody else asked for them.
        taps: Path of a module of the head → its output, N rows.
    """
    places: list[tuple[str, int]]
    read: Read
    taps: Mapping[str, Any] = field(default_factory=dict)

    def positions(self, stream: str, rows: Sequence[int]) -> list[int]:
        """Where some images of a stream are among the N."""
        known = {place: i for i, place in enumerate(self.places)}
        return [known[stream, row] for row in rows]

    def output(self, path: str = OUTPUTS) -> Any:
        """What a module of the head put out; the head itself by default."""
        return self.read.outputs if path == OUTPUTS else self.taps[path]


class HeadOutputs(list[HeadPass]):
    """All passes of a head in an update; a stream is in one of them."""

    def of(self, stream: str, rows: Sequence[int], path: str = OUTPUTS) -> Any:
        """What was tapped, for some images of a stream.

        Args:
            stream: Name of the stream.
            rows: Positions in its batch, which were asked for.
            path: Module of the head; its outputs by default.
        """
        one = next(p for p in self if any(s == stream for s, _ in p.places))
        return take_rows(one.output(path), one.positions(stream, rows),
                         len(one.places))

    def read(self, stream: str, rows: Sequence[int]) -> Read:
        """What the head read and said, for some images of a stream."""
        one = next(p for p in self if any(s == stream for s, _ in p.places))
        return one.read.take(one.positions(stream, rows), len(one.places))

    def labelled(self, samples: Mapping[str, SampleList],
                 rows: Rows) -> Iterator[tuple[Read, SampleList]]:
        """What was read of some images, with their samples, pass by pass.

        Args:
            samples: Samples of each stream.
            rows: Stream → positions in its batch.
        """
        wanted = {(s, row) for s, these in rows.items() for row in these}
        for one in self:
            positions = [i for i, place in enumerate(one.places)
                         if place in wanted]
            if positions:
                yield one.read.take(positions, len(one.places)), [
                    samples[s][row]
                    for s, row in map(one.places.__getitem__, positions)]


class HeadGraph:
    """Runs the heads of a model in an order in which all inputs are there.

    Args:
        tasks: Adapters by name.
        heads: Heads by name.
        inputs: What each head reads.

    Raises:
        ConfigError: Heads that read one another in a circle, an unknown
            head, tap or level, or a head that cannot be read.
    """

    def __init__(self, tasks: Mapping[str, Task],
                 heads: Mapping[str, nn.Module],
                 inputs: Mapping[str, Sequence[HeadInput]]) -> None:
        self.inputs = {task: tuple(inputs[task]) for task in tasks}
        check_inputs(self.inputs, tasks, heads)
        #: Names of the tasks, those that are read first.
        self.order = ordered(self.inputs)
        #: Task → factor of what its head's gradients are for the encoder;
        #: None where no balancer spares the heads.
        self.factors: dict[str, float] | None = None

    @contextmanager
    def unweighed(self) -> Iterator[None]:
        """Gradients as they are before a balancer's factors."""
        factors = dict(self.factors or {})
        if self.factors:
            self.factors.clear()
        try:
            yield
        finally:
            if self.factors is not None:
                self.factors.update(factors)

    def ancestors(self, tasks: Iterable[str]) -> list[str]:
        """The tasks and all whose heads they read, in order."""
        wanted = set(tasks)
        for task in reversed(self.order):
            if task in wanted:
                wanted |= {x.head for x in self.inputs[task] if x.head}
        return [task for task in self.order if task in wanted]

    def run(self,
            model: Any,
            feats: Mapping[str, Levels],
            rows: Mapping[str, Rows],
            taps: Mapping[str, Iterable[str]] | None = None
            ) -> dict[str, HeadOutputs]:
        """Run every head on the images that somebody asks for.

        Args:
            model: Has ``heads`` and ``tasks``.
            feats: The neck's levels, (N, C, H, W) each, by stream.
            rows: Task → stream → positions.
            taps: Task → modules of its head whose outputs are kept; ``''``
                stands for the raw outputs.

        Returns:
            dict: Task → its passes, one per size of the input.
        """
        needed = self._needed(rows)
        kept = {task: set((taps or {}).get(task, ())) for task in self.order}
        for task, inputs in self.inputs.items():
            for x in inputs:
                if x.head and needed[task]:
                    kept[x.head].add(x.path)
        outputs: dict[str, HeadOutputs] = {}
        for task in self.order:
            outputs[task] = HeadOutputs(
                self._pass(model, task, places, levels, kept[task])
                for places, levels in self._groups(
                    model, task, feats, needed[task], outputs))
        return outputs

    def outputs(self, model: Any, feats: Levels,
                tasks: Sequence[str]) -> dict[str, Any]:
        """Raw outputs of heads on a whole batch.

        No list of rows is made, which would fix the size of the batch where
        a graph is written down.

        Args:
            model: Has ``heads`` and ``tasks``.
            feats: The neck's levels, (N, C, H, W) each.
            tasks: Those whose outputs are wanted; each head runs once.
        """
        order = self.ancestors(tasks)
        kept = {task: {OUTPUTS} if task in tasks else set() for task in order}
        for x in (x for task in order for x in self.inputs[task]):
            if x.head:
                kept[x.head].add(x.path)
        passes: dict[str, HeadPass] = {}
        for task in order:
            levels = self._levels(model, task, lambda x: levels_of(
                x, passes[x.head].output(x.path) if x.head else feats))
            passes[task] = self._pass(model, task, [], levels, kept[task])
        return {task: passes[task].output() for task in tasks}

    def _needed(self, rows: Mapping[str, Rows]) -> dict[str, dict[str, list]]:
        """Rows of each task and of those that read it, sorted."""
        asked: dict[str, dict[str, set[int]]] = {
            task: {s: set(r) for s, r in rows.get(task, {}).items()}
            for task in self.order
        }
        for task in reversed(self.order):
            for x in self.inputs[task]:
                for stream, these in asked[task].items() if x.head else ():
                    asked[x.head].setdefault(stream, set()).update(these)
        return {
            task: {s: sorted(these) for s, these in streams.items() if these}
            for task, streams in asked.items()
        }

    def _groups(
        self, model: Any, task: str, feats: Mapping[str, Levels],
        rows: Mapping[str, Sequence[int]],
        outputs: Mapping[str, HeadOutputs]
    ) -> list[tuple[list[tuple[str, int]], Levels]]:
        """Inputs by size; streams of one size are joined."""
        groups: dict[torch.Size, list[Any]] = {}
        for stream in feats:
            if not rows.get(stream):
                continue
            levels = self._levels(model, task, partial(
                self._input, stream=stream, feats=feats[stream],
                rows=rows[stream], outputs=outputs))
            places = [(stream, row) for row in rows[stream]]
            groups.setdefault(levels[0].shape[1:], []).append((places, levels))
        return [_join(parts) for parts in groups.values()]

    def _levels(self, model: Any, task: str,
                find: Callable[[HeadInput], Levels]) -> Levels:
        """All that a head reads, input by input."""
        levels: Levels = ()
        ends: list[int] = []
        for x in self.inputs[task]:
            levels += weighed(graded(find(x), x.grad), self.factors, task)
            ends.append(len(levels))
        self._check_read(model, task, ends)
        return levels

    @staticmethod
    def _input(x: HeadInput, stream: str, feats: Levels,
               rows: Sequence[int],
               outputs: Mapping[str, HeadOutputs]) -> Levels:
        if x.head:
            return levels_of(x, outputs[x.head].of(stream, rows, x.path))
        feats = levels_of(x, feats)
        if len(rows) == len(feats[0]):
            return feats
        index = torch.tensor(rows, device=feats[0].device)
        return tuple(level[index] for level in feats)

    def _check_read(self, model: Any, task: str, ends: list[int]) -> None:
        """Refuse an input that a head leaves aside.

        Args:
            model: Has ``heads`` and ``tasks``.
            task: Name of the task.
            ends: Where the levels of each input end.

        Raises:
            ConfigError: Its ``in_index`` takes nothing of an input.
        """
        if not any(x.head for x in self.inputs[task]):
            return
        start, count = 0, ends[-1]
        taken = model.tasks[task].reads(model.heads[task], count)
        for x, end in zip(self.inputs[task], ends):
            if not taken & set(range(start, end)):
                raise ConfigError(
                    f'`{x.key}.inputs` names {x.name!r}, level {start} of '
                    f'{count}, which `in_index` of the head does not take: '
                    'add it there, or leave the input out.')
            start = end

    @staticmethod
    def _pass(model: Any, task: str, places: list[tuple[str, int]],
              levels: Levels, kept: set[str]) -> HeadPass:
        if not kept:
            return HeadPass(places, Read(levels))
        head = model.heads[task]
        with output_tap(head, sorted(kept - {OUTPUTS})) as found:
            outputs = model.tasks[task].forward(head, levels)
        return HeadPass(places, Read(levels, outputs), {
            path: _only(f'{task}.{path}', calls)
            for path, calls in found.items()
        })


def _only(name: str, calls: Sequence[Any]) -> Any:
    if len(calls) != 1:
        raise ConfigError(
            f'The part {name!r} of a head ran {len(calls)} times for one '
            'batch: read the whole head, or a part that runs once.')
    return calls[0]


def _join(parts: list[tuple[list[tuple[str, int]], Levels]]
          ) -> tuple[list[tuple[str, int]], Levels]:
    if len(parts) == 1:
        return parts[0]
    levels = zip(*[levels for _, levels in parts])
    joined: tuple[Tensor, ...] = tuple(torch.cat(level) for level in levels)
    return [place for places, _ in parts for place in places], joined
