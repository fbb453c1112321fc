"""Write a model into an ONNX file, say in it what it is, and check it."""
import inspect
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

import mmmultas
from mmmultas.structures import BOXES, kind_of
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, UserError

from ..saved_model import SavedModel
from .dynamo import write_by_dynamo
from .graphs import (CoreGraph, EndToEnd, input_size, normalisation,
                     output_names, suppression)

__all__ = [
    'FORMAT', 'export_onnx', 'require_onnx', 'session_of',
    'write_by_torchscript'
]

#: Version of the metadata; ``mmmultas_runtime`` reads this one.
FORMAT = 1
OPSET = 17


def require_onnx() -> tuple[Any, Any]:
    """The packages ``onnx`` and ``onnxruntime``.

    Raises:
        UserError: One of them is missing.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f'Exporting needs the package {error.name}: run '
            '`pip install onnx onnxruntime`.') from error
    return onnx, onnxruntime


def export_onnx(saved: SavedModel,
                out: str | os.PathLike[str],
                raw: bool = False,
                score_thr: float | None = None,
                source: str = '',
                dynamo: bool = False) -> dict[str, Any]:
    """Write a model and what a reader must know of it.

    Args:
        saved: A model in evaluation mode, on a CPU.
        out: The file.
        raw: The core alone: normalised pictures of one size, any number of
            them, to what heads say of all places.
        score_thr: Boxes must score more; None: what heads say.
        source: Name of the checkpoint, for the metadata.
        dynamo: Write by ``torch.export``, not by TorchScript.

    Returns:
        The metadata.

    Raises:
        ConfigError: A head or pipeline that cannot be written down.
        UserError: A package is missing.
    """
    onnx, _ = require_onnx()
    meta = metadata(saved, raw, score_thr, source)
    graph, example, axes = _graph(saved, raw, score_thr)
    names = ['images' if raw else 'image'], output_names(saved, raw)
    write = write_by_dynamo if dynamo else write_by_torchscript
    with atomic_path(Path(out)) as part, torch.no_grad(), \
            warnings.catch_warnings():
        # the tracer warns wherever a size is a number: sizes are fixed
        warnings.simplefilter('ignore')
        graph.eval()(example)  # heads keep their anchors: as numbers
        try:
            write(graph, example, part, names, axes)
        except UserError:
            raise
        except Exception as error:  # whatever an operator trips over
            raise ConfigError(
                'PyTorch cannot write this network as ONNX '
                f'({_told(error)}): docs/export.md lists what can be '
                f'exported{"" if dynamo else ", or try --dynamo"}.'
            ) from error
        model = onnx.load(str(part))
        entry = model.metadata_props.add()
        entry.key, entry.value = 'mmmultas', json.dumps(meta)
        onnx.checker.check_model(model)
        onnx.save(model, str(part))
    return meta


def _graph(saved: SavedModel, raw: bool, score_thr: float | None
           ) -> tuple[nn.Module, torch.Tensor, dict[str, dict[int, str]]]:
    """What is written, an input of it, and axes of open size."""
    size = input_size(saved)
    if raw:
        return CoreGraph(saved), torch.randn(2, 3, *_padded(saved, size)), {
            name: {0: 'batch'}
            for name in ('images', *output_names(saved, True))}
    example = torch.randint(
        0, 256, (size[0] + 37, size[1] + 61, 3), dtype=torch.uint8)
    return EndToEnd(saved, score_thr), example, {
        'image': {0: 'height', 1: 'width'}, **_free_axes(saved)}


def _told(error: Exception) -> str:
    # torch.export wraps what happened in advice
    cause = error.__cause__ or error
    return f'{type(cause).__name__}: {" ".join(str(cause).split())[:160]}'


def write_by_torchscript(graph: nn.Module, example: torch.Tensor,
                         path: Path, names: tuple[list[str], list[str]],
                         axes: Mapping[str, Mapping[int, str]]) -> None:
    """Write a graph of one input, as :func:`write_by_dynamo` does."""
    # where it fails it prints the whole graph, past Python's stdout
    old: dict[str, Any] = dict(dynamo=False)
    if 'dynamo' not in inspect.signature(torch.onnx.export).parameters:
        old = {}  # before PyTorch 2.5 there was no other way
    with mock.patch.object(torch._C, '_jit_onnx_log', create=True):
        torch.onnx.export(
            graph, (example, ), str(path), input_names=names[0],
            output_names=names[1], dynamic_axes=axes, opset_version=OPSET,
            **old)


def _free_axes(saved: SavedModel) -> dict[str, dict[int, str]]:
    axes: dict[str, dict[int, str]] = {}
    for name, task in saved.model.tasks.items():
        if task.kind == BOXES:
            for end in ('bboxes', 'scores', 'labels'):
                axes[f'{name}_{end}'] = {0: f'{name}_count'}
        elif task.kind == 'classes':
            axes[f'{name}_map'] = {0: 'height', 1: 'width'}
        else:
            axes[f'{name}_map'] = {1: 'height', 2: 'width'}
    return axes


def _padded(saved: SavedModel, size: tuple[int, int]) -> tuple[int, int]:
    divisor = int(getattr(saved.model.data_preprocessor, 'pad_size_divisor',
                          1) or 1)
    height, width = (-(-side // divisor) * divisor for side in size)
    return height, width


def metadata(saved: SavedModel, raw: bool, score_thr: float | None,
             source: str) -> dict[str, Any]:
    """What a reader of the file must know, as JSON has it."""
    mean, std, rgb = normalisation(saved.model.data_preprocessor)
    tasks: dict[str, Any] = {}
    for name, task in saved.model.tasks.items():
        head = saved.model.heads[name]
        own = dict(kind=kind_of(name, saved.meta), **{
            key: value for key, value in saved.meta[name].items()
            if key in ('classes', 'palette', 'unit', 'scale')
            and value is not None
        })
        if task.kind == BOXES:
            own['nms'] = suppression(name, head, score_thr)
        else:
            own['align_corners'] = bool(getattr(head, 'align_corners', False))
            own['overshoots'] = bool(getattr(head, 'overshoots', False))
            if hasattr(head, 'threshold'):
                own['threshold'] = head.threshold
        tasks[name] = own
    size = input_size(saved)
    return json.loads(json.dumps(dict(
        format=FORMAT, version=mmmultas.__version__, source=source,
        form='raw' if raw else 'end_to_end', size=size,
        padded=_padded(saved, size), mean=mean.flatten().tolist(),
        std=std.flatten().tolist(), bgr_to_rgb=rgb,
        pad_value=float(getattr(saved.model.data_preprocessor, 'pad_value',
                                0) or 0), tasks=tasks),
        default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return list(value)


def session_of(path: str | os.PathLike[str], threads: int = 1,
               providers: Sequence[str] = ('CPUExecutionProvider', )) -> Any:
    """An onnxruntime session.

    Args:
        path: The file.
        threads: Of one operator.
        providers: Where it runs, the first that is there.
    """
    _, runtime = require_onnx()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return runtime.InferenceSession(str(path), options,
                                    providers=list(providers))
