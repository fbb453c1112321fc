"""Writing by ``torch.export``, PyTorch's newer way to ONNX."""
import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmmultas.utils.errors import UserError

from .boxes import NMS

__all__ = ['write_by_dynamo']

#: The oldest operator set that it writes.
OPSET = 18


def write_by_dynamo(graph: nn.Module, example: Tensor, path: Path,
                    names: tuple[Sequence[str], Sequence[str]],
                    axes: Mapping[str, Mapping[int, str]]) -> None:
    """Write a graph of one input.

    Args:
        graph: In evaluation mode.
        example: Its input.
        path: The file.
        names: Of inputs and of outputs.
        axes: Name → axes of open size.

    Raises:
        UserError: The package ``onnxscript`` is missing.
    """
    dim = getattr(getattr(torch, 'export', None), 'Dim', None)
    if not hasattr(dim, 'DYNAMIC'):
        raise UserError('--dynamo needs PyTorch 2.6 or newer, this is '
                        f'{torch.__version__}: leave it out.')
    try:
        import onnxscript
    except ImportError as error:
        raise UserError('--dynamo needs the package onnxscript: run '
                        '`pip install onnxscript`.') from error
    opset: Any = getattr(onnxscript, f'opset{OPSET}')
    free = {axis: torch.export.Dim.DYNAMIC for axis in axes[names[0][0]]}
    # it logs what it tries
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            torch.onnx.export(
                graph, (example, ), str(path), input_names=list(names[0]),
                output_names=list(names[1]), dynamic_shapes=(free, ),
                opset_version=OPSET, dynamo=True, external_data=False,
                verbose=False, custom_translation_table=_nms(opset))
    finally:
        logging.disable(before)


@lru_cache
def _nms(opset: Any) -> dict[Any, Any]:
    """NMS as an operator that is not looked into → what it is in ONNX."""
    op = torch.library.custom_op('mmmultas::nms', _suppress, mutates_args=())
    op.register_fake(lambda boxes, *rest: boxes.new_empty(
        torch.library.get_ctx().new_dynamic_size(), dtype=torch.int64))
    return {torch.ops.mmmultas.nms.default: partial(_written, opset)}


def _suppress(boxes: Tensor, scores: Tensor, limit: int,
              iou_threshold: float, score_thr: float) -> Tensor:
    return NMS.forward(None, boxes, scores, limit, iou_threshold, score_thr)


def _written(opset: Any, boxes: Any, scores: Any, limit: int,
             iou_threshold: float, score_thr: float) -> Any:
    zero = opset.Constant(value_ints=[0])
    chosen = opset.NonMaxSuppression(
        opset.Unsqueeze(boxes, zero),
        opset.Unsqueeze(opset.Unsqueeze(scores, zero), zero),
        opset.Constant(value_ints=[limit]),
        opset.Constant(value_floats=[iou_threshold]),
        opset.Constant(value_floats=[score_thr]))
    column = opset.Gather(chosen, opset.Constant(value_ints=[2]), axis=1)
    return opset.Squeeze(column, opset.Constant(value_ints=[1]))
